"""Bounds that several groups share, each with its reason."""

# Below a tenth of a second ordinary jitter looks like failure, even next door (rehearsals want to
# see time-outs soon). Stripe's own library gives up after 80 s, and nothing there takes longer.
CALL_S_MIN, CALL_S_MAX = 0.1, 80
# From "settle it now" (rehearsals again) to a month, past which nobody remembers the order.
EXPIRY_S_MIN, EXPIRY_S_MAX = 1, 30 * 86_400
