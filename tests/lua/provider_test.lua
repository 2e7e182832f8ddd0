-- Which agents there are, which are offered, and what the backend is told of one.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
---@param name string
---@param text? string what the program does
local function program(child, name, text)
  local path =
    child:write(child.home .. '/bin/' .. name, '#!/bin/sh\n' .. (text or 'exit 0') .. '\n')
  vim.uv.fs_chmod(path, 493)
end

-- Only what the test puts there is found.
local alone = {
  env = { PATH = '/nonexistent' },
  before = [[
    local new = require('agor.agents').new
    require('agor.agents').new = function()
      local agents = new()
      for _, agent in pairs(agents) do agent.also = nil end
      return agents
    end
    require('agor.provider').built_in =
      { protocols = { 'claude', 'codex', 'acp', 'sidecar' }, runners = { 'demo', 'ollama' } }
    vim.env.PATH = vim.env.HOME .. '/bin']],
}

T['every preset is one entry with all that a missing one is told by'] = function()
  local agents = require('agor.agents').new()
  for _, name in ipairs({
    'claude',
    'codex',
    'ollama',
    'gemini',
    'opencode',
    'claude-agent-acp',
    'codex-acp',
    'copilot',
    'goose',
    'cursor',
    'auggie',
    'qwen',
    'kimi',
  }) do
    local agent = assert(agents[name], name)
    assert(#agent.command > 0 and agent.title ~= '' and agent.install ~= '', name)
    assert(agent.login or name == 'ollama', name)
  end
  for name, agent in pairs(agents) do
    for _, variable in ipairs(agent.pass_env) do
      assert(not variable:find('KEY') and not variable:find('TOKEN'), name .. ' ' .. variable)
    end
  end
end

T['before a name is typed those that are installed are offered, afterwards all'] = test(
  alone,
  function(child)
    program(child, 'gemini')
    program(child, 'kimi')
    local function complete(line)
      return child:get(
        [[vim.tbl_filter(function(item) return not item:find('=') end, vim.fn.getcompletion(..., 'cmdline'))]],
        line
      )
    end
    equal(complete('AgorStart '), { 'demo', 'gemini', 'kimi' })
    equal(
      complete('AgorStart c'),
      { 'claude', 'claude-agent-acp', 'codex', 'codex-acp', 'copilot', 'cursor' }
    )
    equal(complete('AgorStart ki'), { 'kimi' })
  end
)

T['a runner and a server elsewhere count as installed'] = test(
  vim.tbl_extend('force', alone, { env = { PATH = '/nonexistent', OLLAMA_HOST = '10.0.0.1' } }),
  function(child)
    child:write('root/sidecar/dist/mine-runner.mjs', '')
    child:lua([[vim.env.AGOR_ROOT = vim.env.HOME .. '/work/root']])
    equal(child:get([[require('agor.provider').installed()]]), { 'demo', 'mine', 'ollama' })
  end
)

T['a bare start takes the first of the order that is installed'] = test(alone, function(child)
  program(child, 'opencode')
  program(child, 'aa')
  child:lua([[vim.g.agor = { providers = { aa = { protocol = 'acp', command = { 'aa' } } } }]])
  equal(child:get([[require('agor.provider').default()]]), 'opencode')
  child:lua([[vim.g.agor = { order = { 'codex', 'kimi' } } require('agor.config').refresh()]])
  local message = child:get([[select(2, require('agor.provider').default())]])
  contains(message, 'codex (npm install -g @openai/codex), kimi (uv tool install')
  contains(message, ':AgorStart demo works at once')
end)

T["the backend is told an agent's title, install line, other places and MCP servers"] = test(
  nil,
  function(child)
    child:lua([[vim.g.agor = { providers = { claude = { effort = 'low', mcp_servers = {
      web = { url = 'https://127.0.0.1/mcp', headers = {} },
      files = { command = { 'mcp-files' }, env = { A = 'b' } },
    } } } }]])
    child:lua([[require('agor').start({ provider = 'claude', open = false })]])
    local params = child:wait_told('start')
    equal(params.effort, 'low')
    equal(params.config.title, 'Claude Code')
    equal(params.config.install, 'npm install -g @anthropic-ai/claude-code')
    equal(params.config.also[1], '~/.local/bin/claude')
    equal(params.config.mcp_servers, {
      { name = 'files', command = { 'mcp-files' }, env = { A = 'b' } },
      { name = 'web', url = 'https://127.0.0.1/mcp' },
    })
    child:lua([[vim.g.agor = { providers = { claude = { wrap = { 'env' } } } }]])
    child:lua([[require('agor').start({ provider = 'claude', effort = 'high', open = false })]])
    params = child:wait_told('start', 2)
    equal(params.effort, 'high')
    equal(params.config.command, { 'claude' })
    equal(params.config.wrap, { 'env' })
    equal(params.config.paths, nil)
  end
)

T["an entry of the user's own that starts a known agent finds it where that one lies"] = test(
  nil,
  function(child)
    child:lua([[vim.g.agor = { providers = {
      mine = { protocol = 'claude', command = { 'claude', '--debug' } },
      other = { protocol = 'acp', command = { 'other' } },
    } }]])
    local also = [[(function(name)
      local provider = require('agor.provider')
      return provider.for_backend(provider.get(name)).also or vim.NIL
    end)]]
    equal(child:get(also .. "('mine')"), child:get(also .. "('claude')"))
    equal(child:get(also .. "('mine')")[2], '~/.claude/local/claude')
    equal(child:get(also .. "('other')"), vim.NIL)
  end
)

return T
