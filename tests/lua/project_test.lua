-- Which directory a session is started in.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
---@param want string relative to the work directory
local function root_is(child, want)
  local full = want:match('^/') and want or vim.fs.normalize(child.home .. '/work/' .. want)
  local got = child:get([[require('agor.project').root()]])
  if (vim.uv.fs_realpath(got) or got) ~= full then
    error(('root is %s, want %s'):format(got, full), 2)
  end
end

---@param child agor.test.Nvim
local function repository(child)
  child:write('repo/.git/HEAD', 'ref: refs/heads/main\n')
  child:write('repo/packages/one/main.lua', '')
  child:write('repo/packages/two/main.lua', '')
end

T['a file leads to the top of its repository'] = test(nil, function(child)
  repository(child)
  child:cmd('edit repo/packages/one/main.lua')
  root_is(child, 'repo')
end)

T["a window's directory inside the repository, below its top, is meant"] = test(nil, function(child)
  repository(child)
  child:cmd('cd repo/packages/two')
  child:cmd('edit ../one/main.lua')
  root_is(child, 'repo/packages/two')
  child:cmd('cd ../..')
  root_is(child, 'repo')
end)

T['a directory set by :lcd or :tcd is meant'] = test(nil, function(child)
  repository(child)
  child:write('elsewhere/x', '')
  child:cmd('edit repo/packages/one/main.lua')
  child:cmd('lcd elsewhere')
  root_is(child, 'elsewhere')
  child:cmd('tabnew repo/packages/one/main.lua')
  root_is(child, 'elsewhere')
end)

T['a :tcd counts too'] = test(nil, function(child)
  repository(child)
  child:write('elsewhere/x', '')
  child:cmd('tcd elsewhere')
  child:cmd('edit ../repo/packages/one/main.lua')
  root_is(child, 'elsewhere')
end)

T['no file, no repository, a dashboard or help: the window'] = test(nil, function(child)
  repository(child)
  root_is(child, '.')
  child:write('plain.txt', '')
  child:cmd('edit plain.txt')
  root_is(child, '.')
  child:cmd('help')
  root_is(child, '.')
  child:lua([[vim.cmd('enew') vim.bo.buftype = 'nofile' vim.bo.filetype = 'dashboard']])
  root_is(child, '.')
  child:lua([[vim.cmd('edit fugitive:///x/y//0/z')]])
  root_is(child, '.')
end)

T['file managers count as their directory'] = test(nil, function(child)
  repository(child)
  local dir = child.home .. '/work/repo/packages/one'
  child:lua(
    [[vim.api.nvim_set_current_buf(vim.api.nvim_create_buf(true, false)) vim.api.nvim_buf_set_name(0, 'oil://' .. ... .. '/')]],
    dir
  )
  root_is(child, 'repo/packages/one')
  child:lua(
    [[vim.api.nvim_set_current_buf(vim.api.nvim_create_buf(true, false)) vim.api.nvim_buf_set_name(0, 'minifiles://7/' .. ...)]],
    dir
  )
  root_is(child, 'repo/packages/one')
  child:lua(
    [[vim.api.nvim_set_current_buf(vim.api.nvim_create_buf(true, true)) vim.bo.filetype = 'netrw' vim.b.netrw_curdir = ...]],
    dir
  )
  root_is(child, 'repo/packages/one')
end)

T["a terminal counts as its job's directory"] = test(nil, function(child)
  repository(child)
  child:lua(
    [[vim.cmd('enew') vim.fn.jobstart({ 'sh', '-c', 'cd packages/two && exec sleep 60' }, { term = true, cwd = ... .. '/work/repo' })]],
    child.home
  )
  child:wait('the shell to go there', function()
    return child:get([[require('agor.project').root()]]) == child.home .. '/work/repo/packages/two'
  end)
end)

T["our own buffers count as their session's directory"] = test(nil, function(child)
  child:write('elsewhere/x', '')
  child:lua(
    [[require('agor').start({ provider = 'demo', session_id = 'a', cwd = 'elsewhere', open = false })
    vim.b.agor_session = 'a']]
  )
  root_is(child, 'elsewhere')
end)

T['markers, cwd and a function of the user'] = test(nil, function(child)
  repository(child)
  child:write('repo/packages/one/Cargo.toml', '')
  child:cmd('edit repo/packages/one/main.lua')
  child:lua([[require('agor').setup({ root = { 'Cargo.toml' } })]])
  root_is(child, 'repo/packages/one')
  child:lua([[require('agor').setup({ root = 'cwd' })]])
  root_is(child, '.')
  child:lua(
    [[require('agor').setup({ root = function(buf) return vim.fs.dirname(vim.api.nvim_buf_get_name(buf)) end })]]
  )
  root_is(child, 'repo/packages/one')
  child:lua([[require('agor').setup({ root = function() error('mine') end })]])
  root_is(child, 'repo')
  contains(child:notes(), 'config.root: the function')
end)

T['the current session: of the buffer, of the tabpage, of the file, the last one'] = test(
  nil,
  function(child)
    child:write('one/x', '')
    child:write('two/x', '')
    child:lua([[
    local agor = require('agor')
    agor.start({ provider = 'demo', session_id = 'one', cwd = 'one', open = false })
    agor.start({ provider = 'demo', session_id = 'two', cwd = 'two', open = false })
  ]])
    local current = [[require('agor.mirror').current().session_id]]
    equal(child:get(current), 'two')
    child:cmd('tabnew')
    equal(child:get(current), 'two')
    child:cmd('edit one/x')
    equal(child:get(current), 'one')
    child:lua([[require('agor.mirror').touch('two')]])
    equal(child:get(current), 'two')
    child:lua([[vim.b.agor_session = 'one']])
    equal(child:get(current), 'one')
  end
)

return T
