"""Where payments are kept."""

from pydantic import BaseModel, Field

from payment_service.setting_kinds import FilePath, MongoAddress


class DatabaseSettings(BaseModel):
    """Where payments are kept."""

    sqlite_path: FilePath = Field(
        default="var/payments.sqlite3",
        description=(
            "The database file, made when absent. One file is one replica: a second process that "
            "serves must have another database. Not used when `MONGODB_URI` is set."
        ),
        examples=["/var/lib/payments/payments.sqlite3"],
    )
    sqlite_accept_outdated: bool = Field(
        default=False,
        description=(
            "Whether to start although the database file is missing, another one, or an older copy "
            "of the one that was used last. What is missing in it is then read from Stripe before "
            "any request is let in. Set it for one start, once the right file is surely lost."
        ),
        examples=["true"],
    )
    mongodb_uri: MongoAddress = Field(
        default=None,
        description=(
            "The MongoDB database, for any number of replicas; set, it wins over `SQLITE_PATH`. A "
            "secret. Names the database too, else it is `payments`. Run `payment-service migrate` "
            "before the first start and after every update: a start makes no indexes."
        ),
        examples=["mongodb://mongo-0,mongo-1,mongo-2/payments?replicaSet=rs0"],
    )
    # A call holds a connection for a few ms, so 50 carry some thousand payments a second; each one
    # costs the server about 1 MB, times replicas.
    mongodb_pool_max: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="How many connections to each MongoDB server may be open at once.",
        examples=["50"],
    )
    # A planned change of primary takes a second or two. An unplanned one takes ten or more: by then
    # the caller is better told to come again. Far below the 60 s at which load balancers cut.
    mongodb_timeout_s: float = Field(
        default=5.0,
        ge=0.5,
        le=30,
        description=(
            "How long one call to MongoDB may take with all its tries; then the answer is 503, and "
            "nothing is lost."
        ),
        examples=["5"],
    )
