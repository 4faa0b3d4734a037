"""What is under way counts as refused; who waits begins in turn."""

from payment_service.domain.card_tries import Tries, Turn, Waiting


class Line:
    """Those who wait, and what they were told."""

    def __init__(self, tries: Tries) -> None:
        self.tries = tries
        self.told: list[tuple[str, Turn]] = []

    def wait(self, name: str, *ids: str) -> Waiting:
        waiting = Waiting(ids, lambda turn: self.told.append((name, turn)))
        self.tries.wait(waiting)
        return waiting


def test_no_more_are_under_way_than_a_suspect_has_room_for() -> None:
    tries = Tries()

    begun = [tries.begins(["jane"], lambda _: 2) for _ in range(3)]

    assert begun == [True, True, False]
    assert tries.begins(["joe"], lambda _: 2)


def test_a_try_needs_room_with_each_of_its_suspects_and_takes_none_without() -> None:
    tries = Tries()
    tries.begins(["jane"], lambda _: 1)

    assert not tries.begins(["card", "jane"], lambda _: 1)
    assert tries.begins(["card"], lambda _: 1)


def test_who_waits_begins_in_turn_when_one_is_over() -> None:
    tries = Tries()
    line = Line(tries)
    tries.begins(["jane"], lambda _: 1)
    tries.begins(["joe"], lambda _: 1)
    for name in ("first", "second"):
        line.wait(name, "jane")
    line.wait("other", "joe")

    tries.ends(["jane"], lambda _: 1)

    assert line.told == [("first", Turn.BEGUN)]
    tries.ends(["jane"], lambda _: 1)
    tries.ends(["joe"], lambda _: 1)
    assert line.told[1:] == [("second", Turn.BEGUN), ("other", Turn.BEGUN)]


def test_when_there_is_no_room_left_all_who_wait_look_again() -> None:
    tries = Tries()
    line = Line(tries)
    tries.begins(["jane"], lambda _: 1)
    for name in ("first", "second"):
        line.wait(name, "jane")

    tries.look(lambda _: 0)

    assert line.told == [("first", Turn.AGAIN), ("second", Turn.AGAIN)]


def test_who_leaves_takes_no_place() -> None:
    tries = Tries()
    line = Line(tries)
    tries.begins(["jane"], lambda _: 1)
    leaver = line.wait("leaver", "jane")
    line.wait("stayer", "jane")

    tries.leave(leaver)
    tries.leave(leaver)
    tries.ends(["jane"], lambda _: 1)

    assert line.told == [("stayer", Turn.BEGUN)]
