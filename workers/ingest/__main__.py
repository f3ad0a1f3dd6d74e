"""``python -m workers.ingest``"""

import sys

from workers.ingest.app import run
from workers.ingest.settings import IngestSettings
from workers.lib import service

if __name__ == "__main__":
    sys.exit(service.main(IngestSettings, run))
