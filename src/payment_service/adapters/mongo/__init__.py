"""The store port on MongoDB: one server, a replica set or a sharded cluster, for many replicas."""

from payment_service.adapters.mongo.errors import SchemaNotReady, StoreTooNew
from payment_service.adapters.mongo.store import MongoStore, open_store

__all__ = ["MongoStore", "SchemaNotReady", "StoreTooNew", "open_store"]
