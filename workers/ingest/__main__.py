"""``python -m workers.ingest``"""

import sys

from workers import service
from workers.ingest.app import run
from workers.ingest.settings import IngestSettings

if __name__ == "__main__":
    sys.exit(service.main(IngestSettings, run))
