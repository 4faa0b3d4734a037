"""The HTTP door: parse, call one flow, render. Never touches an adapter."""
