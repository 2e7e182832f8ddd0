-- :qa while agents work: refused as for a changed buffer, where there is a user to refuse it to.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
---@param word string what the fake agent does
local function begin(child, word)
  child:lua(
    [[require('agor').start({ provider = 'demo', session_id = 'busy-one', open = false })
      require('agor').send(..., { session = 'busy-one' })]],
    word
  )
  local want = ({ work = "status == 'running'", ask = "attention == 'permission'" })[word]
  -- From the backend's own row: the one made at the start says `running` by itself.
  child:wait_for("require('agor.mirror').get('busy-one').started_at == 1000")
  child:wait_for("require('agor.mirror').get('busy-one')." .. want)
end

---@param child agor.test.Nvim
---@param command string
local function leaves(child, command)
  -- The channel may be gone before it answers.
  pcall(child.type, child, '<Esc>:' .. command .. '<CR>')
  child:wait('the end after :' .. command, function()
    return child.code ~= nil
  end)
end

---@param child agor.test.Nvim
---@param command string
---@return string what Neovim said
local function stays(child, command)
  child:lua([[vim.cmd('messages clear') vim.v.errmsg = '']])
  child:type('<Esc>:' .. command .. '<CR>')
  child:wait('an answer to :' .. command, function()
    if child.code then
      error('it left: ' .. command)
    elseif child:blocked() then
      child:type('<CR>')
      return false
    end
    local said = child:get([[vim.fn.execute('messages')]])
    return said:find('qa!', 1, true) ~= nil
  end)
  return child:get([[vim.fn.execute('messages')]])
end

for _, command in ipairs({ 'qa', 'wqa', 'q', 'wq', 'x', 'xa' }) do
  T[':' .. command .. ' is refused while a turn runs'] = test({ ui = true }, function(child)
    child:cmd('edit file.txt')
    begin(child, 'work')
    local said = stays(child, command)
    contains(said, 'agor: 1 session at work, :qa! stops it')
    child:wait_for([[#vim.fn.filter(vim.fn.getbufinfo(), 'v:val.changed') == 0]])
    -- And once more: the refusal does not wear out.
    stays(child, command)
    child:lua([[require('agor').send('idle', { session = 'busy-one' })]])
    child:wait_for([[require('agor').sessions()[1].status == 'idle']])
    leaves(child, command)
  end)
end

T['the window has its buffer back, as it was'] = test({ ui = true }, function(child)
  child:write('other.txt', 'other\n')
  child:write('file.txt', ('line\n'):rep(100))
  child:cmd('edit other.txt')
  child:cmd('edit file.txt')
  child:cmd('normal! 60Gzt')
  begin(child, 'work')
  local view = child:get('vim.fn.winsaveview()')
  stays(child, 'qa')
  child:wait_for([[vim.fn.bufname() == 'file.txt' and vim.fn.bufname('#') == 'other.txt']])
  equal(child:get('vim.fn.winsaveview()'), view)
  equal(child:get('#vim.api.nvim_list_wins()'), 1)
  equal(
    child:get(
      [[#vim.tbl_filter(function(buf) return vim.b[buf].agor_quit end, vim.api.nvim_list_bufs())]]
    ),
    0
  )
end)

T['an open question refuses too'] = test({ ui = true }, function(child)
  begin(child, 'ask')
  contains(stays(child, 'qa'), '1 session at work')
end)

T['our own pane keeps its buffer'] = test({ ui = true }, function(child)
  begin(child, 'work')
  child:lua([[vim.wo.winfixbuf = true mine = vim.api.nvim_get_current_buf()]])
  stays(child, 'qa')
  child:wait_for([[vim.api.nvim_get_current_buf() == mine]])
  equal(child:get('vim.wo.winfixbuf'), true)
end)

for _, command in ipairs({ 'qa!', 'cq' }) do
  T[':' .. command .. ' always leaves'] = test({ ui = true }, function(child)
    begin(child, 'work')
    leaves(child, command)
  end)
end

T['an idle session never refuses'] = test({ ui = true }, function(child)
  child:lua([[require('agor').start({ provider = 'demo', open = false })]])
  child:wait_told('start')
  leaves(child, 'qa')
end)

T['quit = "stop" never refuses'] = test(
  { ui = true, before = [[vim.g.agor = { quit = 'stop' }]] },
  function(child)
    begin(child, 'work')
    leaves(child, 'qa')
  end
)

T['a window of several closes as ever'] = test({ ui = true }, function(child)
  begin(child, 'work')
  child:cmd('split')
  child:type(':q<CR>')
  child:wait_for('#vim.api.nvim_list_wins() == 1')
  equal(child:get([[vim.bo.buftype]]), '')
end)

T['without a screen nothing refuses'] = test(nil, function(child)
  begin(child, 'work')
  pcall(child.cmd, child, 'qa')
  child:wait('the end', function()
    return child.code ~= nil
  end)
end)

T['after a refusal, other changed buffers are still written by :wa'] = test(
  { ui = true },
  function(child)
    child:cmd('edit file.txt')
    begin(child, 'work')
    stays(child, 'qa')
    child:lua([[vim.v.errmsg = '' vim.cmd('silent! wa')]])
    equal(child:get('vim.v.errmsg'), '')
  end
)

return T
