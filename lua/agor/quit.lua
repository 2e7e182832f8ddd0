-- Keeps :qa from ending agents at work unasked, in Neovim's own way: by one changed buffer that says what is going on.
-- Knows which sessions are at work, nothing of how they end.

local config = require('agor.config')
local state = require('agor.state')

local M = {}

---Sessions in the middle of a turn or with an open question.
---@return agor.Row[]
local function at_work()
  return vim.tbl_filter(function(row)
    local living = row.status == 'running' or row.status == 'idle'
    return living
      and (row.busy or row.status == 'running' or row.attention ~= nil or (row.pending or 0) > 0)
  end, require('agor.mirror').list())
end

---@return integer|nil
local function notice()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.b[buf].agor_quit then
      return buf
    end
  end
end

---@param row agor.Row
---@return string
local function doing(row)
  local what = (row.attention or (row.pending or 0) > 0) and 'waits for your answer' or 'works'
  local title = row.title ~= '' and ' on "' .. row.title:gsub('%s+', ' ') .. '"' or ''
  local said = ('%s (%s) %s%s'):format(row.session_id, row.provider, what, title)
  return require('agor.ui.cells').clean(said)
end

---Windows that Neovim has shown the notice in get back what they had, as they had it.
---@param buf integer
local function put_back(buf)
  local before = vim.b[buf].agor_before
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local old = type(before) == 'table' and before[tostring(win)]
    if old and vim.api.nvim_buf_is_valid(old.buf) then
      local fixed = vim.wo[win].winfixbuf
      vim.wo[win].winfixbuf = false
      pcall(vim.api.nvim_win_set_buf, win, old.buf)
      vim.wo[win].winfixbuf = fixed
      vim.api.nvim_win_call(win, function()
        vim.fn.winrestview(old.view)
        if old.other > 0 and vim.api.nvim_buf_is_valid(old.other) then
          pcall(vim.fn.setreg, '#', old.other)
        end
      end)
    end
  end
end

---Takes the notice away; a window that shows it gets its earlier buffer back.
function M.dismiss()
  local buf = notice()
  if not buf then
    return
  end
  put_back(buf)
  if #vim.fn.win_findbuf(buf) == 0 then
    pcall(vim.api.nvim_buf_delete, buf, { force = true })
  else
    vim.bo[buf].modified = false
  end
end

---@param rows agor.Row[]
local function refuse(rows)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.b[buf].agor_quit = true
  local before = {}
  for _, win in ipairs(vim.api.nvim_list_wins()) do
    before[tostring(win)] = vim.api.nvim_win_call(win, function()
      return {
        buf = vim.api.nvim_win_get_buf(win),
        view = vim.fn.winsaveview(),
        other = vim.fn.bufnr('#'),
      }
    end)
  end
  vim.b[buf].agor_before = before
  -- Neovim quotes the name when it refuses, so the name says it all, and briefly: it has one line.
  local one = #rows == 1
  local name = ('agor: %d session%s at work, :qa! stops %s'):format(
    #rows,
    one and '' or 's',
    one and 'it' or 'them'
  )
  pcall(vim.api.nvim_buf_set_name, buf, name)
  local lines = { ('agor: %d session%s at work:'):format(#rows, #rows == 1 and '' or 's'), '' }
  for _, row in ipairs(rows) do
    table.insert(lines, '  ' .. doing(row):gsub('\n', ' '))
  end
  vim.list_extend(lines, { '', ':qa!  stops them and quits', ':Agor sessions  shows them' })
  vim.bo[buf].buftype = 'acwrite'
  vim.bo[buf].bufhidden = 'hide'
  vim.bo[buf].swapfile = false
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modified = true
  vim.api.nvim_create_autocmd('BufWriteCmd', {
    buffer = buf,
    callback = function()
      -- Stays changed: :wqa must not get past it by writing.
      vim.api.nvim_echo({ { name, 'ErrorMsg' } }, true, {})
    end,
  })
  vim.schedule(function()
    M.settle(buf)
  end)
end

---The command was refused and its turn is over: the notice must not stand in the way of a later :wa, nor in a window.
---@param buf integer
function M.settle(buf)
  if not vim.api.nvim_buf_is_valid(buf) then
    return
  end
  vim.bo[buf].modified = false
  vim.bo[buf].modifiable = false
  put_back(buf)
  if #vim.fn.win_findbuf(buf) == 0 then
    vim.api.nvim_buf_delete(buf, { force = true })
  else
    vim.bo[buf].bufhidden = 'wipe'
  end
end

local function on_exit()
  M.dismiss()
  if config.get().quit ~= 'ask' or #vim.api.nvim_list_uis() == 0 or not state.channel then
    return
  end
  local rows = at_work()
  if #rows > 0 then
    refuse(rows)
  end
end

---After a change of the sessions: a notice about work that is done goes away by itself.
function M.refresh()
  if notice() and #at_work() == 0 then
    M.dismiss()
  end
end

---From the first backend on.
function M.watch()
  local group = vim.api.nvim_create_augroup('agor.quit', {})
  vim.api.nvim_create_autocmd('ExitPre', {
    group = group,
    callback = function()
      require('agor.quit').on_exit()
    end,
  })
  vim.api.nvim_create_autocmd('VimLeavePre', {
    group = group,
    callback = function()
      state.leaving = true
    end,
  })
  vim.api.nvim_create_autocmd('VimLeave', {
    group = group,
    callback = function()
      require('agor.backend').leave()
    end,
  })
end

M.on_exit = on_exit

return M
