"""Lives of the service under crashes and faults, judged by an auditor who sees only the outside."""
