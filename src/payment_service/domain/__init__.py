"""The rules of payments as pure values: no clock, no network, no database, no framework."""
