"""The parts of the suite, one a module, each with its ``PART`` (see :mod:`bench.part`)."""
