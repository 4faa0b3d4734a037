"""Where payments are kept."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from payment_service.setting_kinds import Allowed, FilePath


class DatabaseSettings(BaseModel):
    """Where payments are kept."""

    sqlite_path: FilePath = Field(
        default="var/payments.sqlite3",
        description=(
            "The database file, made when absent. One file is one replica: a second process that "
            "serves must have another database."
        ),
        examples=["/var/lib/payments/payments.sqlite3"],
    )
    mongodb_uri: Annotated[SecretStr | None, Allowed("nothing, in this release")] = Field(
        default=None,
        description=(
            "Reserved: MongoDB comes with a later release and will then win over `SQLITE_PATH`. "
            "Until then a value here stops the start."
        ),
        examples=["mongodb://mongo-0,mongo-1,mongo-2/payments?replicaSet=rs0"],
    )
