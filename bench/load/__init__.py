"""What the users of the load test are made of: bench/locustfile.py has the users themselves."""
