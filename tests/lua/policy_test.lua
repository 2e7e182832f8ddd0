-- Rules as users write them, what is wrong with one, and what becomes of those that cannot be read.

local policy = require('agor.policy')

local T = {}

---@param got any
---@param want any
---@param what? any
local function equal(got, want, what)
  if not vim.deep_equal(got, want) then
    error(('%s: got %s, want %s'):format(vim.inspect(what), vim.inspect(got), vim.inspect(want)), 2)
  end
end

T['a rule is a text or a table'] = function()
  for written, want in pairs({
    ['command(git push *)'] = { command = 'git push *' },
    [' command( ls ) '] = { command = 'ls' },
    ["command(echo (x'))"] = { command = "echo (x')" },
    ['edit(src/**)'] = { tool = 'edit', path = 'src/**' },
    ['read(~/.ssh/**)'] = { tool = 'read', path = '~/.ssh/**' },
    ['file(.env)'] = { path = '.env' },
    ['fetch(*.rust-lang.org)'] = { tool = 'fetch', host = '*.rust-lang.org' },
    ['read'] = { tool = 'read' },
    ['mcp__github__*'] = { tool = 'mcp__github__*' },
    ['*'] = { tool = '*' },
  }) do
    local rule, wrong = policy.rule(written)
    equal(rule, want, wrong or written)
  end
  for _, same in ipairs({
    { tool = 'Write', path = '/etc/**' },
    { path = 'a b' },
    { host = 'docs.rs' },
    { tool = 'mcp__x', host = 'x.y' },
    { host = '*' },
    { host = '::1' },
    { path = './a' },
    { command = "echo it's" },
  }) do
    equal(policy.rule(same), same)
  end
  equal(policy.rule({ tool = 'command', command = 'ls' }), { command = 'ls' })
end

T['what is wrong with a rule is said'] = function()
  for _, case in ipairs({
    { 'git push *', "'git push *' is no rule" },
    { 'Bash(ls)', "'Bash' is none of command" },
    { 'command()', 'command must be a text' },
    { 'command(ls', "'command(ls' is no rule" },
    { 'command(a && b)', 'command is one command' },
    { 'command(a > b)', 'command is one command' },
    { 'command(a $(b))', 'command is one command' },
    { 'edit(../x)', "path must not have '..'" },
    { 'edit(~root/x)', "path may begin with '~/'" },
    { 'edit(src/./x)', "path must not have '..' or '.'" },
    { 'file(.)', "path must not have '..' or '.'" },
    { 'fetch(https://a.b/)', "host is a machine's name" },
    { 'fetch(*evil.com)', "host is a machine's name" },
    { 'fetch(a.*.com)', "host is a machine's name" },
    { 'fetch(*.)', "host is a machine's name" },
    { 'fetch(docs.rs.)', "host is a machine's name" },
    { 'fetch(localhost:8080)', "host is a machine's name without a port" },
    { 'command(rm "a b")', 'command has its words as programs get them' },
    { "command(grep -e '*')", 'command has its words as programs get them' },
    { 'command(git log --format="%H")', 'command has its words as programs get them' },
    { { tool = 'Bash(git push *)' }, 'tool is a name alone' },
    { '', "'' is no rule" },
    { 7, 'must be a text or a table' },
    { { 'edit', 'src' }, 'must be a text or a table' },
    { { cmd = 'ls' }, 'cmd is no key of a rule' },
    { { pathh = 'ls' }, 'pathh is no key of a rule (did you mean "path"?)' },
    { { path = 7 }, 'path must be a text' },
    { { path = 'a\nb' }, 'path must be a text' },
    { { path = 'a', host = 'b' }, 'has path and host' },
    { { tool = 'read', host = 'b' }, "tool = 'read' goes with path, not with host" },
    { { tool = 'Bash', command = 'b' }, 'command goes with' },
  }) do
    local rule, wrong = policy.rule(case[1])
    equal(rule, nil, case)
    equal(vim.startswith(wrong or '', case[2]), true, { case[2], wrong })
  end
end

T['what is right is used, and what forbids or asks and cannot be read has all asked'] = function()
  local checked, wrong = policy.check({
    deny = { 'command(rm *)', 'rm -rf' },
    ask = 'all',
    allow = { 7, 'read' },
    denny = {},
  })
  equal(checked.deny, { { command = 'rm *', at = 1 } })
  equal(checked.allow, { { tool = 'read', at = 2 } })
  equal(checked.unread, { 'ask', 'denny', 'deny.2' })
  local places = {}
  for _, one in
    ipairs(wrong --[[@as agor.Wrong[] ]])
  do
    places[one[1]] = one[2]
  end
  equal(vim.tbl_count(places), 4)
  equal(places.ask, 'must be a list of rules')
  equal(places.denny, 'is no key of a policy (did you mean "deny"?)')
  equal(places['allow.1'], 'must be a text or a table with tool, command, path or host')
  equal(policy.check('none').unread, { '' })
  equal(policy.check({ allow = { 7 } }).unread, nil)
  equal({ policy.check({}) }, { {} })
end

T['all that holds for a session says where it stands'] = function()
  require('agor').setup({
    policy = { deny = { 'command(rm *)' }, allow = { 'read' } },
    providers = { claude = { policy = { deny = { 'Bash' } } } },
  })
  local own = { path = '/p/.agor.json', policy = { deny = { 'file(.env)' }, ask = { 'x y' } } }
  local all, problems = policy.all('claude', own)
  equal(all, {
    deny = {
      { command = 'rm *', origin = 'policy.deny.1 in your configuration' },
      { tool = 'Bash', origin = 'providers.claude.policy.deny.1 in your configuration' },
      { path = '.env', origin = 'policy.deny.1 in .agor.json' },
    },
    allow = { { tool = 'read', origin = 'policy.allow.1 in your configuration' } },
    unread = { 'policy.ask.1 in .agor.json' },
  })
  equal(#problems, 1)
  equal(vim.startswith(problems[1], "policy.ask.1 'x y' is no rule"), true, problems)
  equal((policy.all('codex', nil) or {}).deny, { all and all.deny[1] })
  equal(
    policy.all('codex', { path = '/p/.agor.json', policy = 'none' }).unread,
    { 'policy in .agor.json' }
  )
  require('agor').setup({})
  equal(policy.all('claude', nil), nil)
end

T['rules are told as people write them'] = function()
  for _, text in ipairs({
    'command(git push *)',
    'edit(src/**)',
    'file(.env)',
    'fetch(docs.rs)',
    'read',
    '*',
  }) do
    equal(policy.words(policy.rule(text) --[[@as agor.Rule]]), text)
  end
end

return T
