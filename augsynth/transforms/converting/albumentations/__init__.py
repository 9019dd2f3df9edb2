"""Conversion of pipelines of Albumentations: entry and containers, and one file a family of transforms."""
