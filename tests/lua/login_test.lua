-- :Agor login: the ways that an agent offers, and the configured one.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

local function capabilities(logins)
  return vim.json.encode({ interrupt = true, logins = logins })
end

---@param child agor.test.Nvim
---@param more? string
local function session(child, more)
  local path = child:write(
    child.home .. '/bin/agent',
    '#!/bin/sh\necho "<$*|$WHO|$ANTHROPIC_API_KEY|$CLAUDE_CONFIG_DIR|$NVIM>"\nexit "${CODE:-0}"\n'
  )
  vim.uv.fs_chmod(path, 493)
  child:lua(
    [[vim.g.agor = { providers = { agent = { protocol = 'sidecar', command = { 'agent', 'serve' } } } }]]
  )
  child:lua(
    ([[require('agor').start({ provider = 'agent', session_id = 'a', open = false, %s })]]):format(
      more or ''
    )
  )
  child:wait_for([[require('agor').sessions()[1].started_at == 1000]])
end

local text = [[table.concat(vim.fn.getline(1, '$'), '\n')]]
local terminal = {
  {
    id = 't',
    name = 'Log in',
    description = '',
    terminal = { args = { 'auth', 'login' }, env = { WHO = 'me' } },
  },
}

T["a terminal login runs the agent's program with its own arguments, then tells the backend"] = test(
  { env = { AGOR_FAKE_CAPABILITIES = capabilities(terminal), ANTHROPIC_API_KEY = 'secret' } },
  function(child)
    session(child, [[claude_config_dir = '/cfg']])
    child:cmd('AgorLogin')
    equal(child:wait_told('login'), { session_id = 'a', login = 't' })
    contains(child:get(text), '<auth login|me||/cfg|>')
    child:wait_note('agent is logged in')
  end
)

T['a terminal login that fails is said and not told to the backend'] = test(
  { env = { AGOR_FAKE_CAPABILITIES = capabilities(terminal), CODE = '3' } },
  function(child)
    session(child)
    child:cmd('AgorLogin')
    child:wait_note('the login of agent has failed (exit code 3)')
    equal(child:told('login'), {})
  end
)

T['several ways are a choice, one without a terminal is done at once'] = test({
  env = {
    AGOR_FAKE_CAPABILITIES = capabilities({
      { id = 'k', name = 'API key', description = 'from the settings' },
      { id = 'o', name = '', description = '' },
    }),
    AGOR_FAKE_REPLIES = vim.json.encode({ login = { error = 'no key is set' } }),
  },
}, function(child)
  session(child)
  child:lua([[vim.ui.select = function(items, opts, done)
      _G.asked = vim.tbl_map(opts.format_item, items)
      done(items[2])
    end]])
  child:cmd('AgorLogin agent')
  equal(child:get('asked'), { 'API key: from the settings', 'o' })
  equal(child:wait_told('login').login, 'o')
  child:wait_note('the login of agent has failed: no key is set')
end)

T['without ways of its own the configured login runs, of a missing program it is said'] = test(
  { env = { AGOR_FAKE_CAPABILITIES = capabilities({}) } },
  function(child)
    session(child)
    child:cmd('AgorLogin')
    contains(child:notes(), 'agent has no login of its own')
    child:lua([[vim.g.agor = { providers = { agent = { protocol = 'sidecar', command = { 'agent' },
      login = { 'nowhere' }, install = 'get it' } } } require('agor.config').refresh()]])
    child:cmd('AgorLogin agent')
    child:wait_note('the login of agent has ended')
    child:lua(
      [[vim.g.agor = { providers = { agent = { protocol = 'sidecar', command = { 'missing' },
      login = { 'nowhere' }, install = 'get it' } } } require('agor.config').refresh()]]
    )
    child:cmd('AgorLogin agent')
    contains(child:notes(), 'nowhere was not found: install it with get it')
  end
)

return T
