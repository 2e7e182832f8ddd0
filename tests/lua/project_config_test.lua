-- What a project may set by its own `.agor.json`, and that nothing of it holds before the user trusts it.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---Puts a repository with the file at the child's directory.
---@param child agor.test.Nvim
---@param text string
---@return string path of the file
local function project(child, text)
  child:write('.git/HEAD', 'ref: refs/heads/main\n')
  return child:write('.agor.json', text)
end

---As a user says it of a file that they have opened.
---@param child agor.test.Nvim
---@param path string
local function trust(child, path)
  child:lua(
    [[vim.fn.mkdir(vim.fn.stdpath('state'), 'p')
    local buf = vim.fn.bufadd(...)
    vim.fn.bufload(buf)
    assert(vim.secure.trust({ action = 'allow', bufnr = buf }))
    vim.api.nvim_buf_delete(buf, { force = true })]],
    path
  )
end

---@param child agor.test.Nvim
---@param dir? string below the child's directory
---@return any value
---@return any message
local function read(child, dir)
  local out = child:lua(
    [[local value, message = require('agor.project_config').read(...)
    return { value or vim.NIL, message or vim.NIL }]],
    child.home .. '/work' .. (dir or '')
  )
  return out[1], out[2]
end

T['without the file nothing is asked or said'] = test(nil, function(child)
  equal({ read(child) }, { vim.NIL, vim.NIL })
end)

T['a file that the user does not trust is not used, and a sentence says so once'] = test(
  nil,
  function(child)
    project(child, '{ "provider": "codex" }')
    local value, message = read(child)
    equal(value, vim.NIL)
    contains(message, 'work/.agor.json is not used, since you do not trust it')
    for _ = 1, 2 do
      child:lua([[require('agor').start({ provider = 'demo', open = false })]])
    end
    local _, times = child:notes():gsub('you do not trust it', '')
    equal(times, 1)
  end
)

T['what a trusted file says is used from anywhere in the project'] = test(nil, function(child)
  local path = project(
    child,
    '{ "$schema": "x", "provider": "demo", "policy": { "deny": ["a"] }, "worktree": { "copy": [".env"] } }'
  )
  trust(child, path)
  child:write('src/deep/a', '')
  local want = {
    path = path,
    provider = 'demo',
    policy = { deny = { 'a' } },
    worktree = { copy = { '.env' } },
  }
  equal({ read(child, '/src/deep') }, { want, vim.NIL })
  child:lua(
    [[require('agor').start({ worktree_name = 'fix', open = false, cwd = vim.fn.getcwd() .. '/src' })]]
  )
  local params = child:wait_told('start')
  equal(params.provider, 'demo')
  equal(params.worktree.copy, { '.env' })
  equal(params.worktree.branch, 'agor/{name}')
end)

T['a trusted file that was changed is asked about anew'] = test(nil, function(child)
  local path = project(child, '{ "provider": "codex" }')
  trust(child, path)
  equal(read(child).provider, 'codex')
  child:write('.agor.json', '{ "provider": "claude" }')
  local value, message = read(child)
  equal(value, vim.NIL)
  contains(message, 'you do not trust it')
end)

T['a file that the user has denied is passed over without a word'] = test(nil, function(child)
  local path = project(child, '{ "provider": "codex" }')
  child:lua(
    [[vim.fn.mkdir(vim.fn.stdpath('state'), 'p')
    assert(vim.secure.trust({ action = 'deny', path = ... }))]],
    path
  )
  equal({ read(child) }, { vim.NIL, vim.NIL })
end)

T['the user is asked once, and their answer is kept'] = test({ ui = true }, function(child)
  project(child, '{ "provider": "codex" }')
  local function begin()
    vim.rpcnotify(
      child.chan,
      'nvim_exec_lua',
      [[local value, message = require('agor.project_config').read(vim.fn.getcwd())
      _G.got = { value and value.provider or vim.NIL, message or vim.NIL }]],
      {}
    )
  end
  local function asked()
    child:wait('the question', function()
      return child:mode().mode == 'r?'
    end)
  end
  begin()
  asked()
  child:type('i')
  child:wait_for('_G.got ~= nil')
  contains(child:get('_G.got[2]'), 'you do not trust it')
  -- The same file, whatever is started: not again.
  child:lua('_G.got = nil')
  begin()
  child:wait_for('_G.got ~= nil')
  child:write('.agor.json', '{ "provider": "claude" }')
  child:lua('_G.got = nil')
  begin()
  asked()
  if child:get([[vim.fn.has('nvim-0.12')]]) == 1 then
    -- It lets nobody allow what he has not looked at.
    child:type('v')
    child:wait_for('_G.got ~= nil')
    contains(child:get('_G.got[2]'), 'look at it with :edit, say :trust there')
    child:cmd('trust')
  else
    child:type('a')
    child:wait_for('_G.got ~= nil')
    equal(child:get('_G.got'), { 'claude', vim.NIL })
  end
  equal(read(child).provider, 'claude')
end)

T["what Neovim's list says is found out without a question, and nothing of the editor's is put aside for it"] = test(
  nil,
  function(child)
    -- Whoever calls these while the list is looked at gets what was there before.
    child:lua(
      [[_G.asked = 0
      vim.fn.confirm = function() _G.asked = _G.asked + 1 return 1 end
      vim.secure.read = function() _G.asked = _G.asked + 1 end
      _G.own, _G.seen = vim.fn.confirm, true
      local open = vim.uv.fs_open
      vim.uv.fs_open = function(...) _G.seen = _G.seen and vim.fn.confirm == _G.own return open(...) end]]
    )
    local path = project(child, '{ "provider": "codex" }')
    contains(select(2, read(child)), 'you do not trust it')
    trust(child, path)
    equal(read(child).provider, 'codex')
    child:lua([[assert(vim.secure.trust({ action = 'deny', path = ... }))]], path)
    equal({ read(child) }, { vim.NIL, vim.NIL })
    -- Of lines for the same path the last counts, and another path's are none of it.
    child:lua(
      [[local list = vim.fn.stdpath('state') .. '/trust'
      local lines = vim.fn.readfile(list)
      vim.list_extend(lines, { ('%s %s'):format(vim.fn.sha256('{ "provider": "codex" }'), ...) })
      vim.fn.writefile(vim.list_extend(lines, { '! ' .. ... .. '.old', 'no line of a list' }), list)]],
      path
    )
    equal(read(child).provider, 'codex')
    equal(child:get('{ _G.asked, _G.seen }'), { 0, true })
  end
)

T['what is exchanged while it is asked about is not what was trusted'] = test(
  { ui = true },
  function(child)
    local path = project(child, '{ "provider": "codex" }')
    child:lua(
      [[local path = ...
      vim.secure.read = function()
        local text = table.concat(vim.fn.readfile(path), '\n')
        vim.fn.mkdir(vim.fn.stdpath('state'), 'p')
        vim.fn.writefile({ vim.fn.sha256(text) .. ' ' .. path }, vim.fn.stdpath('state') .. '/trust')
        vim.fn.writefile({ '{ "provider": "claude" }' }, path)
        return text
      end]],
      path
    )
    local value, message = read(child)
    equal(value, vim.NIL)
    contains(message, 'you do not trust it')
  end
)

T['a path that would act as a command is never put into the question'] = test(
  { ui = true },
  function(child)
    child:lua([[vim.fn.mkdir('a|let g:acted = 1|', 'p')]])
    child:write('a|let g:acted = 1|/.agor.json', '{}')
    local value, message = read(child, '/a|let g:acted = 1|')
    equal(value, vim.NIL)
    contains(message, 'you do not trust it')
    equal(child:get('vim.g.acted'), vim.NIL)
  end
)

T['what is no plain, short file is not read'] = test(nil, function(child)
  child:lua([[vim.fn.mkdir('pipe') vim.fn.mkdir('folder/.agor.json', 'p') vim.fn.mkdir('long')
    vim.fn.system({ 'mkfifo', 'pipe/.agor.json' })]])
  child:write('long/.agor.json', (' '):rep(256 * 1024 + 1))
  for dir, why in pairs({ pipe = 'no file', folder = 'no file', long = 'longer than 256 KiB' }) do
    local value, message = read(child, '/' .. dir)
    equal(value, vim.NIL)
    contains(message, why)
  end
end)

T['a link to a file that is trusted in another project is not used'] = test(nil, function(child)
  local path = child:write('other/.agor.json', '{ "policy": { "allow": ["command"] } }')
  trust(child, path)
  child:write('.git/HEAD', 'ref: refs/heads/main\n')
  child:lua([[assert(vim.uv.fs_symlink('other/.agor.json', '.agor.json'))]])
  local value, message = read(child)
  equal(value, vim.NIL)
  contains(message, '~/work/.agor.json is not used: it is a link')
end)

T['what is wrong in it is named, what is right around it is used'] = test(nil, function(child)
  ---@param text string
  ---@param parts string[]
  ---@return any
  local function check(text, parts)
    trust(child, project(child, text))
    local value, message = read(child)
    for _, part in ipairs(parts) do
      contains(message, part)
    end
    return value
  end
  equal(check('{ "provider": ', { 'is not used, since it is no JSON: ' }), vim.NIL)
  equal(check('[1]', { 'it must be one JSON object' }), vim.NIL)
  equal(check(('['):rep(5000), { 'is not used' }), vim.NIL)
  local value = check(
    '{ "providr": "x", "provider": "../x", "command": ["sh"], "policy": "none", "worktree": '
      .. '{ "directory": "/tmp/{name}", "branch": "fix", "base": "main", "copi": [] } }',
    {
      'providr is no key of .agor.json (did you mean "provider"?)',
      'provider must be the name of a provider',
      'command is no key of .agor.json',
      'worktree.directory is yours alone to set',
      "worktree.branch must be a string with '{name}' in it",
      'worktree.copi is no key of .agor.json (did you mean "copy"?)',
    }
  )
  equal(value.worktree, { base = 'main' })
  equal({ value.provider, value.command }, {})
  equal(value.policy, 'none')
end)

T['a provider of a project that there is not is an error that names the file'] = test(
  nil,
  function(child)
    trust(child, project(child, '{ "provider": "clade" }'))
    local message = child:get([[select(2, require('agor').start({ open = false }))]])
    contains(message, '.agor.json: unknown provider "clade" (did you mean "claude"?)')
  end
)

T['a worktree has the file of its main one, and a folder that only says so its own'] = test(
  nil,
  function(child)
    local path = project(child, '{ "provider": "codex" }')
    trust(child, path)
    local own = child.home .. '/work/.git/worktrees/fix'
    child:write(own .. '/commondir', '../..\n')
    child:write(own .. '/gitdir', child.home .. '/work/fix/.git\n')
    child:write('fix/.git', 'gitdir: ' .. own .. '\n')
    child:write('fix/.agor.json', '{ "provider": "claude" }')
    equal(read(child, '/fix').path, path)
    child:write('liar/.git', 'gitdir: ' .. own .. '\n')
    equal({ read(child, '/liar') }, { vim.NIL, vim.NIL })
  end
)

-- ------------------------------------------------------------------ what else lies there

T['a program that a project brings along is never the one that is found by its name'] = test({
  env = { PATH = '.:node_modules/.bin::/usr/bin:/bin', AGOR_BIN = '' },
}, function(child)
  for _, name in ipairs({ 'gemini', 'agor-nvim', 'node_modules/.bin/codex', 'bin/mine' }) do
    vim.uv.fs_chmod(child:write(name, '#!/bin/sh\nexit 0\n'), 493)
  end
  local function programs(name)
    return child:get([[require('agor.provider').programs(...)]], name)
  end
  equal(child:get([[vim.fn.exepath('gemini')]]), child.home .. '/work/gemini', 'Neovim finds it')
  for _, name in ipairs({ 'gemini', 'codex' }) do
    equal(programs(name), {})
    assert(not vim.list_contains(child:get([[require('agor.provider').installed()]]), name), name)
  end
  equal(child:get([[require('agor.programs').find('sh')]]), '/usr/bin/sh')
  equal(child:get([[require('agor.programs').command({ 'gemini', 'x' })]]), vim.NIL)
  local found = child:get([[require('agor.binary').find() or '']])
  assert(found ~= child.home .. '/work/agor-nvim', found)
end)

T['a runner of the project is one only where the user has said so'] = test(nil, function(child)
  child:write('sidecar/dist/mine-runner.mjs', '')
  local names = [[require('agor.provider').names()]]
  assert(not vim.list_contains(child:get(names), 'mine'))
  child:lua([[require('agor').setup({ runner_roots = { vim.fn.getcwd() } })]])
  assert(vim.list_contains(child:get(names), 'mine'), "it is the user's own word")
end)

T["neither a project's .env nor its exrc, nor a modeline in what is read of it, changes anything"] = test(
  nil,
  function(child)
    child:write('.env', 'AGOR_BIN=/from/env\nANTHROPIC_BASE_URL=http://from.env\n')
    child:write('.exrc', 'let g:agor = {"binary": "/from/exrc"}\n')
    child:write('.nvim.lua', 'vim.g.agor = { binary = "/from/exrc" }\n')
    trust(child, project(child, '{ "provider": "demo" }\n'))
    child:lua([[require('agor').start({ open = false })]])
    local params = child:wait_told('start')
    equal(params.environ.ANTHROPIC_BASE_URL, nil)
    equal(child:get('vim.g.agor or vim.NIL'), vim.NIL)
    equal(child:get([[require('agor.config').get().binary or vim.NIL]]), vim.NIL)
    -- A file that is read as a project's configuration is no buffer, so a modeline in it is none.
    equal(child:get([[vim.fn.bufexists('.agor.json')]]), 0)
  end
)

return T
