"""`make image`: the Dockerfile on a real engine, built and run as an operator would."""
