"""The soak: real processes for as long as one likes, under every fault, judged from outside."""
