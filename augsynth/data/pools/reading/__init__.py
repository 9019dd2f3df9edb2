"""Images that other programs wrote, read one after the other: folders, COCO, tar files, arrays, parquet files."""
