"""Write the pages that are made from the code itself: `make docs`, or `python docs/generate`."""

from __future__ import annotations

from pathlib import Path

from dtype_tables import dtypes_page
from explained_pipelines import explain_page
from gallery_pages import gallery_page, gallery_pictures

DOCS = Path(__file__).parents[1]


def main() -> None:
    pages = {"dtypes.md": dtypes_page(), "explain.md": explain_page(), "gallery.md": gallery_page()}
    for name, text in pages.items():
        (DOCS / name).write_text(text, encoding="utf-8")
    folder = DOCS / "images" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in gallery_pictures():
        (folder / f"{name}.png").write_bytes(picture)


if __name__ == "__main__":
    main()
