"""What the connections of a port may hold, for any server over asyncio: one room for each port."""
