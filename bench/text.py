"""The agent's words: endless, and the same for the same seed. The driver has them too, to know what must arrive.

Kinds: `plain` is prose with a little Markdown and some Lua; `markdown` has everything that Markdown has, and code of many
languages; `wide` is Chinese, Japanese, Korean and emoji. Knows nothing of agents and protocols.
"""

WORDS = (
    "the agent reads this file and then it decides that a small change would be enough because most callers only need "
    "one value while others want a list of results with their context so we keep both paths simple return early on "
    "errors and add a test for each case before moving on to the next part of the work where buffers windows and timers "
    "have to agree about order"
).split()
SPICE = ["**bold**", "`inline_code()`", "naïve", "→", "_emphasis_", "[link](http://x.invalid/a)", "résumé"]
CODE = [
    "local function step{0}(state, value)",
    "  if value == nil then return state end",
    "  state.count = state.count + {0}",
    "  table.insert(state.items, {{ id = {0}, value = value }})",
    "  return state",
    "end",
]
RICH = SPICE + [
    "~~struck~~", "***both***", "<https://x.invalid/path?q=1>", "``a ` tick``", "*one **two** three*", "\\*no emphasis\\*",
    "![a picture](a.png)", "[a `code` link](b.md \"with a title\")", "&amp;",
]
# What a line of each is like; § is the line's tag, ¤ its number.
LANGUAGES = {
    "rust": [
        "pub fn step_¤<'a>(state: &'a mut State, value: Option<&str>) -> Result<u32, Error> { // §",
        "    let Some(value) = value else { return Ok(0) }; // §",
        "    state.items.push(Item { id: ¤, value: value.to_owned(), ..Item::default() }); // §",
        "    match state.count { 0..=9 => Ok(1), n if n % 2 == 0 => Ok(n), _ => Err(Error::Full(\"§\\n\")) }",
        "} /* § */",
    ],
    "python": [
        "@dataclass(frozen=True)  # §",
        "class Step¤(Base, metaclass=Meta):  # §",
        "    \"\"\"What a step knows: §\"\"\"",
        "    def run(self, *args: int, **kwargs: str) -> list[tuple[int, str]]:  # §",
        "        return [(n, f\"{name!r:>10}\") for n, name in zip(args, kwargs) if n % ¤ != 1]  # §",
    ],
    "typescript": [
        "export async function step¤<T extends { id: number }>(state: Readonly<T>): Promise<T[]> { // §",
        "  const items = await Promise.all([1, 2, ¤].map(async (n) => fetch(`/api/${n}?tag=§`)));",
        "  return items.filter((item): item is T => item?.id === ¤ && /^[a-z]+$/i.test(`${item}`)); // §",
        "} // §",
    ],
    "go": [
        "func (s *State) Step¤(ctx context.Context, values ...string) (n int, err error) { // §",
        "\tdefer func() { err = errors.Join(err, s.close()) }() // §",
        "\tfor i, value := range values { go s.items.Store(i+¤, map[string]any{\"value\": value}) } // §",
        "\tselect { case <-ctx.Done(): return 0, ctx.Err(); default: return len(values), nil } // §",
        "} // §",
    ],
    "c": [
        "#define STEP_¤(x) ((x) << 3 | 0x1fUL) /* § */",
        "static inline int step_¤(struct state *restrict s, const char *value) // §",
        "{ if (!value || s->count >= STEP_¤(2)) return -EINVAL; // §",
        "  return snprintf(s->text, sizeof(s->text), \"%s: %5.2f §\\n\", value, (double)s->count / ¤.0); }",
    ],
    "javascript": [
        "class Step¤ extends HTMLElement { #state = new Map(); // §",
        "  static get observed() { return ['value', 'tag§', `n-${¤}`]; }",
        "  handle({ detail: { id = ¤, ...rest } }) { this.#state.set(id, rest ?? null); } // §",
        "} // §",
    ],
    "bash": [
        "for file in \"${files[@]:¤}\"; do # §",
        "  [[ -f $file && $(wc -l <\"$file\") -gt ¤ ]] || continue # §",
        "  sed -E \"s/^tag=.*/tag=§/\" \"$file\" | sort -u >\"${file%.txt}.out\" 2>/dev/null",
        "done # §",
    ],
    "json": ["{\"id\": ¤, \"tag\": \"§\", \"items\": [1, 2.5e3, true, null], \"nested\": {\"a\": \"\\u00e9\"}},"],
    "sql": ["SELECT count(*) AS n, max(t.id) FROM steps t JOIN items i ON i.step = t.id WHERE t.tag = '§' AND t.id > ¤;"],
    "html": ["<li class=\"step\" data-id='¤'><a href=\"/steps/¤?tag=§\">step &amp; value</a><!-- § --></li>"],
    "css": [".step-¤ > a:hover::after { content: \"§\"; margin: 0 auto 1.5rem; color: #ff8800; } /* § */"],
    "yaml": ["- id: ¤ # §", "  name: \"step §\"", "  on: [push, pull_request]"],
    "toml": ["step-¤ = { version = \"1.¤\", features = [\"a\", \"b\"], tag = \"§\" } # §"],
    "ruby": ["def step_¤(state, value = nil, *rest, &block) = state.map { |item| \"#{item}: §\" }.select(&:present?) # §"],
    "java": ["public final List<? extends Step> step¤(Map<String, Integer> m) throws IOException { return of(\"§\"); } // §"],
    "lua": ["local step_¤ = function(state, ...) return select('#', ...) > ¤ and state.items[¤] or [[§]] end -- §"],
    "diff": ["@@ -¤,3 +¤,3 @@ §", " context §", "-old line §", "+new line §"],
    "": ["no language at all, ¤ §"],
}
WIDE = (
    "代理 读取 这个 文件 然后 决定 只需要 一个 很小的 修改 因为 大多数 调用者 只要 一个 值 🚀 エージェントは ファイルを 読み "
    "それから 小さな 変更で 十分だと 判断します 👩‍💻 에이전트는 파일을 읽고 작은 변경으로 충분하다고 결정합니다 🇯🇵 ✅ ⚠️ 👍🏽 é "
    "ﾊﾝｶｸ ＦＵＬＬ 「引用」 ，。！ 𠮷野家 한글 résumé"
).split()

# A model's block of text ends here and there; ours at the first blank line after so many characters.
BLOCK = 32 * 1024


class Text:
    """Every line carries its number as q<number>q, so that a reader knows how far it has come."""

    def __init__(self, seed):
        self.number, self.state, self.code = 0, seed * 2654435761 % 2147483647, False

    def random(self, below):
        self.state = (self.state * 48271 + 11) % 2147483647
        return self.state % below

    def line(self):
        line = self.compose("q%dq" % self.number)
        self.number += 1
        return line


class Plain(Text):
    def __init__(self, seed):
        super().__init__(seed)
        self.left = 6

    def compose(self, tag):
        self.left -= 1
        if self.code:
            if self.left > 0:
                return CODE[self.left % len(CODE)].format(self.number + 1) + " -- " + tag + "\n"
            self.code, self.left = False, 4 + self.random(8)
            return "```\n\n"
        if self.left > 0:
            words = [
                SPICE[self.random(len(SPICE))] if self.random(25) == 0 else WORDS[self.random(len(WORDS))]
                for _ in range(8 + self.random(8))
            ]
            return tag + " " + " ".join(words) + "\n"
        kind = self.random(10)
        if kind < 3:
            self.code, self.left = True, 8 + self.random(12)
            return "\n```lua\n-- " + tag + "\n"
        self.left = 3 + self.random(8)
        if kind < 5:
            return "\n## Heading " + tag + " about " + WORDS[self.random(len(WORDS))] + "\n\n"
        if kind < 7:
            return "- item " + tag + " " + WORDS[self.random(len(WORDS))] + "\n"
        return "\n"


class Markdown(Text):
    """One element after the other, each closed by a blank line. What follows on a line of its own is written as it is but
    for § and #."""

    words, spice = WORDS, RICH

    def __init__(self, seed):
        super().__init__(seed)
        self.lines = self.endless()

    def compose(self, tag):
        return next(self.lines).replace("§", tag).replace("¤", str(self.number)) + "\n"

    def some(self, least, most):
        pick = lambda words: words[self.random(len(words))]
        count = least + self.random(most - least + 1)
        return " ".join(pick(self.spice) if self.random(8) == 0 else pick(self.words) for _ in range(count))

    def endless(self):
        elements = [
            self.paragraph, self.paragraph, self.paragraph, self.heading, self.items, self.tasks, self.quote, self.table,
            self.fence, self.fence, self.fence, self.rule,
        ]
        while True:
            yield from elements[self.random(len(elements))]()
            yield ""

    def paragraph(self):
        for _ in range(2 + self.random(4)):
            yield "§ " + self.some(7, 16)

    def heading(self):
        yield "#" * (1 + self.random(4)) + " Heading § " + self.some(1, 4)

    def items(self):
        mark = ("-", "*", "1.")[self.random(3)]
        for _ in range(2 + self.random(4)):
            yield mark + " § " + self.some(3, 12)
            if self.random(3) == 0:
                yield " " * (len(mark) + 1) + "- below § " + self.some(2, 8)

    def tasks(self):
        for _ in range(2 + self.random(3)):
            yield ("- [ ] ", "- [x] ")[self.random(2)] + "§ " + self.some(3, 8)

    def quote(self):
        for _ in range(1 + self.random(3)):
            yield "> § " + self.some(5, 12)
        if self.random(2):
            yield "> > and § " + self.some(3, 8)

    def table(self):
        yield "| name § | value | about |"
        yield "| :-- | --: | --- |"
        for _ in range(2 + self.random(6)):
            yield "| %s | %d | § %s |" % (self.some(1, 2), self.random(100000), self.some(1, 5))

    def rule(self):
        yield "---"

    def fence(self):
        language = list(LANGUAGES)[self.random(len(LANGUAGES))]
        lines = LANGUAGES[language]
        self.code = True
        yield "```" + language
        for number in range(4 + self.random(16)):
            yield lines[number % len(lines)]
        self.code = False
        yield "```"


class Wide(Markdown):
    words, spice = WIDE, WIDE + ["**太字です**", "`コード()`", "_强调_", "[リンク](http://x.invalid/道)"]


KINDS = {"plain": Plain, "markdown": Markdown, "wide": Wide}


def end_mark(seed):
    return "ENDMARK%dENDMARK" % seed


def blocks(kind, count, size, seed):
    """About `count` chunks of `size` characters, as a list of blocks of chunks. Longer chunks make a block each."""
    text, out, block, total = KINDS[kind](seed), [], [], 0
    longest = max(BLOCK, size)
    length = 0
    while total < count * size:
        line = text.line()
        block.append(line)
        total += len(line)
        length += len(line)
        if length >= longest and line == "\n" and not text.code and total < count * size:
            out.append("".join(block))
            block, length = [], 0
    if text.code:
        block.append("```\n")
    block.append("\n" + end_mark(seed) + "\n")
    # What is over is no chunk of its own: one chunk is one.
    whole = "".join(block)
    out.append(whole)
    return [cut(block, size) for block in out]


def cut(whole, size):
    chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
    if size > BLOCK and len(chunks) > 1:
        chunks[-2:] = ["".join(chunks[-2:])]
    return chunks


def begins(kind, characters, seed):
    """Where the lines begin, counted in characters."""
    source, position, out = KINDS[kind](seed), 0, []
    while position < characters:
        out.append(position)
        position += len(source.line())
    return out
