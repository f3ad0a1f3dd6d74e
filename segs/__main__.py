"""``python -m segs`` is ``segs``."""

import sys

from segs.cli import main

if __name__ == "__main__":
    sys.exit(main())
