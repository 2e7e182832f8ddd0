-- Agents elsewhere, as far as something is run there from here: logins and the question for a version.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

-- As OpenSSH's client: options, the host, and words that are joined for a shell which has another environment.
local ssh = [[#!/bin/sh
echo "$1" >"$HOME/first"
while :; do case $1 in -*) shift;; *) break;; esac; done
shift
exec env -i HOME="$HOME" PATH=/usr/bin:/bin SHELL=/bin/sh sh -c "$*"
]]

---@param child agor.test.Nvim
---@param name string
---@param text string
local function program(child, name, text)
  vim.uv.fs_chmod(child:write(child.home .. '/' .. name, text), 493)
end

---@param child agor.test.Nvim
local function place(child)
  program(child, 'bin/ssh', ssh)
  program(
    child,
    'there/agent',
    '#!/bin/sh\necho "<$*|$WHO|$X_KEY|$HERE> 1.2.3"\nexit "${CODE:-0}"\n'
  )
  child:write(child.home .. '/.profile', 'echo welcome; PATH=$HOME/there:$PATH\n')
  child:lua([[vim.g.agor = { providers = { agent = { protocol = 'sidecar', command = { 'agent' },
    wrap = { 'ssh', 'host' }, login = { 'agent', "it's", 'two words' },
    env = { WHO = 'a b', X_KEY = 'secret' } } } } require('agor.config').refresh()]])
end

T['the configured login runs where the agent is, in a terminal and without secrets'] = test(
  { env = { HERE = 'not there' } },
  function(child)
    place(child)
    child:cmd('AgorLogin agent')
    child:wait_note('the login of agent has ended')
    contains(
      child:get([[table.concat(vim.fn.getline(1, '$'), '\n')]]),
      "<it's two words|a b||> 1.2.3"
    )
    equal(child:get([[vim.fn.readfile(vim.env.HOME .. '/first')]]), { '-t' })
  end
)

T['the version of an agent elsewhere is asked for there, where nobody can be asked'] = test(
  nil,
  function(child)
    place(child)
    child:cmd('silent checkhealth agor')
    local text = child:get([[table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')]])
    contains(text, 'agent: behind `ssh host`, <--version|||> 1.2.3')
    equal(child:get([[vim.fn.readfile(vim.env.HOME .. '/first')]]), { '-oBatchMode=yes' })
  end
)

T['words go to a wrapper as it takes them'] = test(nil, function(child)
  local function command(wrap, more)
    return child:get(
      ([[require('agor.place').command({ wrap = %s, %s }, { 'x', 'a b' }, { terminal = true })]]):format(
        vim.inspect(wrap),
        more or ''
      )
    )
  end
  equal(command({ 'nix', 'develop', '-c' }), { 'nix', 'develop', '-c', 'x', 'a b' })
  local boxed = command({ 'docker', 'exec', '-i', 'box' })
  equal({ boxed[3], boxed[4], boxed[5], boxed[6] }, { '-t', '-i', 'box', 'env' })
  equal({ boxed[#boxed - 1], boxed[#boxed] }, { 'x', 'a b' })
  local joined = command({ 'mine' }, 'wrap_shell = true')
  equal(#joined, 2)
  contains(joined[2], [['x' 'a b']])
end)

T['what is wrong in a wrap or in paths is named'] = test(nil, function(child)
  child:lua([[require('agor').setup({ providers = { claude = {
    wrap = {}, paths = { ['~/p'] = '/work', [1] = 'x' }, wrap_shell = 'yes' } } })]])
  for _, key in ipairs({ 'wrap', 'paths', 'wrap_shell' }) do
    contains(child:notes(), 'providers.claude.' .. key)
  end
  child:lua([[require('agor').setup({ providers = { claude = {
    wrap = { 'ssh', 'h' }, paths = { ['~/p'] = '/work' } } } })]])
  child:lua([[require('agor').start({ provider = 'claude', cwd = '/only/there', open = false })]])
  local params = child:wait_told('start')
  equal(params.cwd, '/only/there')
  equal(params.config.paths, { [child:get('vim.env.HOME') .. '/p'] = '/work' })
end)

return T
