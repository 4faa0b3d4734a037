"""What the service does, one verb a file, in terms of the domain and the ports only."""
