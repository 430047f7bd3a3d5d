"""Runs the ```python blocks of the pages that it is given, in order and as one program for each page."""

import linecache
import os
import re
import sys
import tempfile

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

for page in map(os.path.abspath, sys.argv[1:]):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    blocks = list(BLOCK.finditer(text))
    if not blocks:
        sys.exit(f"{page}: there is no example in Python")
    # Tracebacks show the page.
    linecache.cache[page] = (len(text), None, text.splitlines(keepends=True), page)
    names = {"__name__": "__main__"}
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for block in blocks:
            lines = text.count("\n", 0, block.start(1))
            exec(compile("\n" * lines + block.group(1), page, "exec"), names)
        os.chdir(before)
    print(f"  {os.path.relpath(page)}: {len(blocks)} examples run")
