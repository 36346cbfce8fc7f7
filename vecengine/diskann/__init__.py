"""Index family `diskann`: a graph whose links stay on disk, walked by codes of a few bytes a row."""
