"""The OrderService over HTTP: telling it, its tokens, and what its answers mean."""
