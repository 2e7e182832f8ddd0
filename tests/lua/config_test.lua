-- How the user's configuration meets the presets, as data.

local config = require('agor.config')

local T = {}

---@param got any
---@param want any
local function equal(got, want)
  if not vim.deep_equal(got, want) then
    error(('got %s, want %s'):format(vim.inspect(got), vim.inspect(want)), 2)
  end
end

---@param parts table[]
---@param problems string[] the beginning of each
---@return agor.Config
local function build(parts, problems)
  local conf, wrong = config.build(unpack(parts))
  if #wrong ~= #problems then
    error('problems: ' .. vim.inspect(wrong), 2)
  end
  for i, start in ipairs(problems) do
    if not vim.startswith(wrong[i], start) then
      error(('problem %q, want %q'):format(wrong[i], start), 2)
    end
  end
  return conf
end

T['a part of a provider keeps the rest of its preset'] = function()
  local conf = build({ { providers = { claude = { env = { A = 1 } } } } }, {})
  equal(conf.providers.claude.command, { 'claude' })
  equal(conf.providers.claude.protocol, 'claude')
  equal(conf.providers.claude.env, { A = '1' })
  equal(conf.providers.claude.pass_env, { 'CLAUDE_CONFIG_DIR' })
end

T["another protocol drops the preset's command"] = function()
  equal(
    build({ { providers = { claude = { protocol = 'sidecar' } } } }, {}).providers.claude.command,
    nil
  )
  local own = { protocol = 'acp', command = { 'x' } }
  equal(build({ { providers = { claude = own } } }, {}).providers.claude.command, { 'x' })
  equal(
    build({ { providers = { claude = { protocol = 'claude' } } } }, {}).providers.claude.command,
    { 'claude' }
  )
end

T['command = false finds the runner'] = function()
  equal(
    build({ { providers = { claude = { command = false } } } }, {}).providers.claude.command,
    false
  )
  local conf = build({ { providers = { mine = { command = false } } } }, {})
  equal(conf.providers.mine.protocol, 'sidecar')
end

T['lists are replaced, tables are merged, the last part wins'] = function()
  local conf = build(
    { { order = { 'codex' }, window = { width = 50 } }, { window = { width = 60 } } },
    {}
  )
  equal(conf.order, { 'codex' })
  equal(conf.window, { position = 'right', width = 60, height = 0.4, min_width = 60 })
end

T['what is wrong is named by its path, what is right is used'] = function()
  local conf = build({
    {
      windowx = {},
      window = { width = 'wide', position = 'left' },
      order = { 1 },
      quit = 'maybe',
      providers = {
        ['bad name'] = {},
        claude = { commandx = { 'x' }, max_turns = 0, model = 'opus' },
        new = {},
      },
      notify = 3,
    },
  }, {
    'notify must be a table',
    'order must be a list of strings',
    'providers.bad name is no name for a provider',
    'providers.claude.commandx is no key of the configuration (did you mean "command"?)',
    'providers.claude.max_turns must be a whole number of at least 1',
    'providers.new.protocol is missing',
    'quit must be one of "ask", "stop"',
    'window.width must be a number',
    'windowx is no key of the configuration (did you mean "window"?)',
  })
  equal(conf.window.position, 'left')
  equal(conf.window.width, 0.4)
  equal(conf.providers.claude.model, 'opus')
  equal(conf.providers.new, nil)
  equal(conf.notify.level, 'info')
end

T['a value where a table with it belongs is shown in that table'] = function()
  local function check(part, want)
    local _, wrong = config.build(part)
    equal(wrong, { want })
  end
  check({ watchdog = 8 }, 'watchdog must be a table: watchdog = { after = 8 }')
  check({ watchdog = false }, 'watchdog must be a table: watchdog = { after = false }')
  check({ queue = 'steer' }, 'queue must be a table: queue = { mode = "steer" }')
  check({ log = 'debug' }, 'log must be a table: log = { level = "debug" }')
  -- It may belong to several, or to none.
  check({ notify = true }, 'notify must be a table with bell, desktop, level')
  check({ watchdog = 'soon' }, 'watchdog must be a table with after')
  check(
    { worktree = print },
    'worktree must be a table with base, branch, copy, directory, submodules'
  )
  check({ board = { 1, 2 } }, 'board must be a table with height, position, width')
end

T['MCP servers come as a map or a list, what is wrong with one leaves the others'] = function()
  local conf = build({
    {
      providers = {
        claude = {
          effort = 'high',
          mcp_servers = {
            { name = 'files', command = { 'mcp-files', '/x' }, env = { TOKEN = 1 } },
            { name = 'web', url = 'https://127.0.0.1/mcp', headers = { A = 'b' }, sse = true },
            { command = { 'x' } },
            { name = 'both', command = { 'x' }, url = 'http://x' },
            { name = 'neither' },
            { name = 'ftp', url = 'ftp://x' },
            { name = 'typo', comand = { 'x' } },
            'text',
          },
        },
        codex = { mcp_servers = { good = { command = { 'x' } }, ['b d'] = { command = { 'x' } } } },
        gemini = { mcp_servers = 'all' },
      },
    },
    { providers = { codex = { mcp_servers = { more = { url = 'http://x' } } } } },
  }, {
    'providers.claude.mcp_servers.3.name is missing or no name',
    'providers.claude.mcp_servers.4 must have either command',
    'providers.claude.mcp_servers.5 must have either command',
    'providers.claude.mcp_servers.6.url must begin with http:// or https://',
    'providers.claude.mcp_servers.7.comand is no key of an MCP server (did you mean "command"?)',
    'providers.claude.mcp_servers.8.name is missing or no name',
    'providers.codex.mcp_servers.b d is no name of a server',
    'providers.gemini.mcp_servers must be a table',
  })
  equal(conf.providers.claude.effort, 'high')
  equal(conf.providers.claude.mcp_servers, {
    files = { command = { 'mcp-files', '/x' }, env = { TOKEN = '1' } },
    web = { url = 'https://127.0.0.1/mcp', headers = { A = 'b' }, sse = true },
  })
  -- Merged by name over all parts of the configuration.
  equal(
    conf.providers.codex.mcp_servers,
    { good = { command = { 'x' } }, more = { url = 'http://x' } }
  )
end

T['no shape of configuration throws'] = function()
  for _, odd in ipairs({
    1,
    'x',
    true,
    { 1, 2 },
    { providers = 5 },
    { providers = { 1 } },
    { providers = { a = 1 } },
  }) do
    local _, wrong = config.build(odd)
    assert(#wrong > 0, vim.inspect(odd))
  end
  equal(#select(2, config.build(nil, {}, { root = function() end })), 0)
end

T['presets are not changed by a user'] = function()
  build({ { providers = { claude = { env = { A = 'b' } } } } }, {})
  equal(build({}, {}).providers.claude.env, {})
end

T['a function in vim.g.agor is called, its error is said once, setup wins'] = function()
  local nvim = require('support.nvim')
  nvim.test(nil, function(child)
    child:lua(
      [[vim.g.agor = function() return { provider = 'demo', icons = 'ascii', quit = 'no' } end]]
    )
    child:lua([[require('agor').setup({ icons = 'nerd' })]])
    equal(
      child:get([[{ require('agor.config').get().provider, require('agor.config').get().icons }]]),
      { 'demo', 'nerd' }
    )
    child:lua([[require('agor').setup({ icons = 'unicode' })]])
    equal(child:get([[require('agor.config').get().icons]]), 'unicode')
    equal(select(2, child:notes():gsub('quit must be', '')), 1)
    child:lua([[vim.g.agor = function() error('oops') end require('agor').setup({})]])
    nvim.contains(child:notes(), 'vim.g.agor fails')
    equal(child:get([[require('agor.config').get().provider]]), vim.NIL)
  end)()
end

T['a vim.g.agor that is changed holds for the next session'] = function()
  local nvim = require('support.nvim')
  nvim.test(nil, function(child)
    equal(child:get([[require('agor.config').get().provider]]), vim.NIL)
    child:lua([[vim.g.agor = { provider = 'demo' }]])
    local id = child:get([[require('agor').start({ open = false })]])
    assert(vim.startswith(id, 'demo-'), id)
  end)()
end

return T
