-- :checkhealth agor, its part about agents.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
---@param name string
---@param text string
local function program(child, name, text)
  local path = child:write(child.home .. '/bin/' .. name, '#!/bin/sh\n' .. text .. '\n')
  vim.uv.fs_chmod(path, 493)
end

local alone = {
  env = { PATH = '/usr/bin:/bin', ANTHROPIC_API_KEY = 'secret', CODEX_HOME = '/x' },
  before = [[
    local new = require('agor.agents').new
    require('agor.agents').new = function()
      local agents = new()
      for _, agent in pairs(agents) do agent.also = nil end
      return agents
    end
    require('agor.provider').built_in =
      { protocols = { 'claude', 'codex', 'acp', 'sidecar' }, runners = { 'demo', 'ollama' } }
    vim.env.PATH = vim.env.HOME .. '/bin:/usr/bin:/bin']],
}

---@param child agor.test.Nvim
---@return string
local function check(child)
  child:cmd('silent checkhealth agor')
  return child:get([[table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')]])
end

T['each agent is there with its version or with how to get it'] = test(alone, function(child)
  program(child, 'claude', 'echo "2.1.197 (Claude Code)"')
  program(child, 'gemini', 'printf "\\033[33mwarning\\033[0m\\nrelease 0.61.0\\n"')
  program(child, 'opencode', 'exit 3')
  local text = check(child)
  contains(text, 'claude (Claude Code): ' .. child.home .. '/bin/claude, 2.1.197 (Claude Code)')
  contains(text, 'gemini (Gemini CLI): ' .. child.home .. '/bin/gemini, release 0.61.0')
  contains(text, 'opencode (OpenCode): ' .. child.home .. '/bin/opencode\n')
  contains(text, 'claude: `:Agor login claude` logs in (claude /login)')
  contains(
    text,
    'kimi (Kimi CLI): install it with: uv tool install --python 3.13 kimi-cli; then :Agor login kimi'
  )
  contains(text, 'demo: part of the backend')
  contains(text, ':AgorStart without a name starts claude')
  for _, name in ipairs({
    'codex',
    'claude-agent-acp',
    'codex-acp',
    'copilot',
    'goose',
    'cursor',
    'auggie',
    'qwen',
  }) do
    assert(
      text:find('\n%- [^\n]*' .. vim.pesc(name) .. ' %([^)]+%): install it with: '),
      name .. text
    )
  end
end)

T['a variable that is set and kept from an agent comes with the line that passes it'] = test(
  alone,
  function(child)
    program(child, 'claude', 'echo 1.0')
    program(child, 'codex', 'echo 1.0')
    local text = check(child)
    contains(text, 'claude: ANTHROPIC_API_KEY is set and kept from it')
    contains(
      text,
      "providers = { claude = { pass_env = { 'CLAUDE_CONFIG_DIR', 'ANTHROPIC_API_KEY' } } }"
    )
    contains(text, 'codex: gets these only by pass_env: CODEX_API_KEY, CODEX_ACCESS_TOKEN')
    assert(not text:find('secret', 1, true), 'a value is shown')
    child:lua(
      [[vim.g.agor = { providers = { claude = { pass_env = { 'ANTHROPIC_*' } } } } require('agor.config').refresh()]]
    )
    text = check(child)
    assert(not text:find('is set and kept', 1, true), 'it is let through')
    contains(text, "by a line like this: providers = { claude = { pass_env = { 'ANTHROPIC_*' } } }")
  end
)

T['one that never answers is given up in time, with all that it has started'] = test(
  alone,
  function(child)
    program(child, 'claude', 'trap "" TERM\nsleep 61 &\necho $! > "$HOME/pid"\nwait')
    program(child, 'gemini', 'yes')
    program(child, 'kimi', 'echo kimi 1.2.3')
    child:lua([[require('agor.health_agents').limit_ms = 500]])
    local text = check(child)
    contains(text, '/bin/claude, did not say its version in 0.5 s')
    contains(text, '/bin/gemini, did not say its version in 0.5 s')
    contains(text, '/bin/kimi, kimi 1.2.3')
    local pid = tonumber(vim.fn.readfile(child.home .. '/pid')[1])
    child:wait('the end of what it has started', function()
      local stat = io.open(('/proc/%d/stat'):format(pid))
      local state = stat and stat:read('*a'):match('%) (%a)')
      if stat then
        stat:close()
      end
      return not state or state == 'Z'
    end)
  end
)

-- A backend that is only a runner: it says what $SAYS holds and waits for the end of its input.
local function runner(child, says)
  program(child, 'runner', ('printf "%%s\\n" \'%s\'\nexec cat'):format(says))
  child:lua([[vim.env.AGOR_BIN = vim.env.HOME .. '/bin/runner']])
end

T['the server of an embedded runner is asked through it: it answers, or why it does not'] = test(
  alone,
  function(child)
    program(child, 'ollama', 'echo "ollama version is 0.33.0"')
    runner(child, '{"type":"ready"}\n{"type":"capabilities","models":[{"id":"a"},{"id":"b"}]}')
    local text = check(child)
    contains(text, 'ollama version is 0.33.0')
    contains(text, 'ollama: its server answers and has 2 models')
    runner(
      child,
      '{"type":"capabilities","models":[]}\n{"type":"error","message":"Ollama does not answer at x"}'
    )
    contains(check(child), 'WARNING ollama: Ollama does not answer at x')
    child:lua([[vim.env.OLLAMA_HOST = '10.0.0.1' vim.fn.delete(vim.env.HOME .. '/bin/ollama')]])
    text = check(child)
    contains(text, 'ollama (Ollama): its server is 10.0.0.1')
    contains(text, 'WARNING ollama: Ollama does not answer at x')
    runner(child, 'no json')
    child:lua([[require('agor.health_agents').limit_ms = 300]])
    contains(check(child), 'ollama: its server did not name a model in 0.3 s')
  end
)

return T
