"""Whether what the agent said is there, character by character."""


def complaint(order, said, lines):
    """What is wrong, if something is. `said`: the text as the peer keeps it, if it does; its buffer may then be a view that
    leaves out what lies far above, but what it shows stands in it as it was said."""
    if order.kind == "tools":
        shown = "\n".join(lines)
        missing = [edit.path for edit in order.edits() if edit.path not in shown]
        return "%d edits are not shown" % len(missing) if missing else None
    want = order.text()
    if said is None:
        return None if want.strip("\n") in "\n".join(lines) else "the text in the buffer is another"
    if not said.endswith(want):
        return "the text that was kept is another"
    # Of this turn: from the last line back to where the view begins or the turn does.
    tagged = [line for line in want.split("\n") if has_tag(line)]
    shown = [line for line in lines if has_tag(line)][-len(tagged) :]
    if not shown or shown != tagged[-len(shown) :]:
        wrong = next((pair for pair in zip(reversed(shown), reversed(tagged)) if pair[0] != pair[1]), None)
        return "the buffer shows another text: %r" % (wrong,)
    return None


def has_tag(line):
    at = line.find("q")
    while at >= 0:
        end = line.find("q", at + 1)
        if end > at + 1 and line[at + 1 : end].isdigit():
            return True
        at = end
    return False
