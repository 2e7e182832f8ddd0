-- The words of command lines, as data.

local arguments = require('agor.arguments')
local near = require('agor.near')

local T = {}

local providers = { 'claude', 'codex', 'demo' }
local env = {
  HOME = '/home/me',
  DIR = '/data',
}

---@param raw string
---@param want table
local function start(raw, want)
  local got, err = arguments.start(raw, providers, function(name)
    return env[name]
  end)
  want.options = want.options or {}
  if not vim.deep_equal(got, want) then
    local shown = vim.inspect(got or err)
    error(('%q\n  got:  %s\n  want: %s'):format(raw, shown, vim.inspect(want)), 2)
  end
end

---@param raw string
---@param part string
local function refuses(raw, part)
  local got, err = arguments.start(raw, providers, function(name)
    return env[name]
  end)
  assert(not got, raw .. ' is accepted')
  assert(err and err:find(part, 1, true), ('%q says %q'):format(raw, tostring(err)))
end

T['nothing at all'] = function()
  start('', {})
  start('   ', {})
end

T['provider, keys and prompt'] = function()
  start('claude', { provider = 'claude' })
  start('claude Explain this crate', { provider = 'claude', prompt = 'Explain this crate' })
  start(
    'model=opus claude hi',
    { provider = 'claude', options = { model = 'opus' }, prompt = 'hi' }
  )
  start('provider=demo hi', { provider = 'demo', prompt = 'hi' })
  start('demo claude is great', { provider = 'demo', prompt = 'claude is great' })
end

T['the prompt is the rest of the line, byte for byte'] = function()
  local odd = [[a | b "c" % # \ \| $HOME ~ key=value  two  ]]
  start('demo ' .. odd, { provider = 'demo', prompt = odd })
  start('demo -- ' .. odd, { provider = 'demo', prompt = odd })
  start('demo --  claude x=1', { provider = 'demo', prompt = ' claude x=1' })
  start('-- --', { prompt = '--' })
  start('demo --', { provider = 'demo' })
end

T['values: blanks, home, variables'] = function()
  start([[cwd=/a\ b/c hi]], { options = { cwd = '/a b/c' }, prompt = 'hi' })
  start('cwd=~/x', { options = { cwd = '/home/me/x' } })
  start('cwd=~other/x', { options = { cwd = '~other/x' } })
  start('cwd=$DIR/x model=$NOPE', { options = { cwd = '/data/x', model = '$NOPE' } })
  start('cwd=${DIR}x', { options = { cwd = '/datax' } })
  start([[system_prompt=a\b]], { options = { system_prompt = [[a\b]] } })
  start('model=a=b', { options = { model = 'a=b' } })
  start('add_dir=/a add_dir=/b', { options = { add_dir = { '/a', '/b' } } })
end

T['what is wrong is an error'] = function()
  refuses('modelx=opus hi', 'unknown key "modelx" (did you mean "model"?)')
  refuses('model= hi', 'model= needs a value')
  refuses('model=a model=b', 'model= is given twice')
  refuses('claude provider=demo', 'two providers')
end

T['a first word one edit away from a provider is doubtful'] = function()
  start('cluade hi', { prompt = 'cluade hi', doubtful = 'claude', first = 'cluade' })
  start('claud', { prompt = 'claud', doubtful = 'claude', first = 'claud' })
  start('explain', { prompt = 'explain', first = 'explain' })
  start('demo claud', { provider = 'demo', prompt = 'claud' })
  start('-- claud', { prompt = 'claud' })
end

---@param raw string
---@param session string|nil
---@param prompt string|nil
local function send(raw, session, prompt)
  local got, err = arguments.send(raw, { 'claude-1', 'demo-2' })
  assert(got, err)
  assert(got.session == session and got.prompt == prompt, ('%q: %s'):format(raw, vim.inspect(got)))
end

T['send names a session only by its whole name'] = function()
  send('@claude-1 fix it ', 'claude-1', 'fix it ')
  send('@claude-1', 'claude-1', nil)
  send('@src/main.rs explain', nil, '@src/main.rs explain')
  send('-- @claude-1', nil, '@claude-1')
  send('--', nil, nil)
  send('', nil, nil)
  local got, err = arguments.send('@claude-2 hi', { 'claude-1' })
  assert(not got and err and err:find('did you mean @claude-1', 1, true))
end

T['distance counts a swap as one'] = function()
  for _, case in ipairs({
    { 'claude', 'claude', 0 },
    { 'claude', 'cluade', 1 },
    { 'codex', 'code', 1 },
    { '', 'abc', 3 },
    { 'kitten', 'sitting', 3 },
  }) do
    assert(near.distance(case[1], case[2]) == case[3], vim.inspect(case))
    assert(near.distance(case[2], case[1]) == case[3], vim.inspect(case))
  end
end

return T
