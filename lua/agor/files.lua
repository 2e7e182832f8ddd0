-- Files that agents change while they are open here, and files that are changed here while agents read them.
-- Knows buffers and the disk, nothing of agents.

local message = require('agor.message')

local M = {}

---@param path string
---@return string
local function real(path)
  local found = vim.uv.fs_realpath(path)
  if found then
    return found
  end
  -- A file that is gone has no real path, its folder may.
  local dir = vim.uv.fs_realpath(vim.fs.dirname(path))
  return dir and vim.fs.joinpath(dir, vim.fs.basename(path)) or path
end

---@param dir string
---@param path string
---@return boolean
local function below(dir, path)
  return vim.startswith(path, dir:gsub('/+$', '') .. '/')
end

---Loaded buffers of files, with their paths.
---@return table<integer, string>
function M.buffers()
  local out = {}
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == '' then
      local name = vim.api.nvim_buf_get_name(buf)
      if name ~= '' and not name:match('^%a[%w+.-]*://') then
        out[buf] = real(name)
      end
    end
  end
  return out
end

---Buffers whose file was not on disk when they were opened: Neovim would ask about those (W13) and does not tell us.
---@type table<integer, true>
local new = {}

---Buffers whose file is known to be gone: that is found again and again.
---@type table<integer, true>
local gone = {}

---What a file looked like when its buffer was last compared with it.
---@type table<integer, string>
local seen = {}

---@param path string
---@return string
local function stamp(path)
  local stat = vim.uv.fs_stat(path)
  return stat and ('%d.%09d %d %d'):format(stat.mtime.sec, stat.mtime.nsec, stat.size, stat.mode)
    or 'none'
end

---Follows which buffers are of files that do not exist yet.
function M.watch()
  for buf, path in pairs(M.buffers()) do
    if not vim.uv.fs_stat(path) then
      new[buf] = true
    end
  end
  local group = vim.api.nvim_create_augroup('agor.files', {})
  vim.api.nvim_create_autocmd('BufNewFile', {
    group = group,
    callback = function(event)
      new[event.buf] = true
    end,
  })
  vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufWritePost', 'BufUnload' }, {
    group = group,
    callback = function(event)
      new[event.buf], seen[event.buf] = nil, nil
    end,
  })
end

---@param buf integer
---@return string
local function shown(buf)
  return vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buf), ':~:.')
end

---@param buf integer
local function tell_conflict(buf)
  local text =
    '%s was changed on disk and has unsaved changes here, so it is left alone: :e! takes the disk, :w! keeps yours'
  message.warn(text:format(shown(buf)))
end

---Lets Neovim compare the buffer with the disk, without its questions: it knows when and what it read, so each change is
---met once.
---@param buf integer
---@return string|nil reason as in v:fcs_reason
local function compare(buf)
  local group = vim.api.nvim_create_augroup('agor.files.compare', {})
  local reason = nil
  vim.api.nvim_create_autocmd('FileChangedShell', {
    group = group,
    callback = function(event)
      if event.buf == buf then
        reason = vim.v.fcs_reason
        vim.v.fcs_choice = ''
      end
    end,
  })
  local ok, err = pcall(function()
    vim.cmd({ cmd = 'checktime', args = { tostring(buf) }, mods = { silent = true } })
  end)
  vim.api.nvim_del_augroup_by_id(group)
  if not ok then
    error(err, 0)
  end
  gone[buf] = reason == 'deleted' and gone[buf] or nil
  if reason == 'conflict' then
    tell_conflict(buf)
  elseif reason == 'deleted' and not gone[buf] then
    gone[buf] = true
    message.warn(
      ('%s was deleted on disk; its text is still here, :w writes it again'):format(shown(buf))
    )
  end
  return reason
end

---Has the file of a changed buffer been changed on disk since it was read? The user is told, once for each change.
---@param buf integer
---@return boolean
function M.conflict(buf)
  if new[buf] then
    local there = vim.uv.fs_stat(vim.api.nvim_buf_get_name(buf)) ~= nil
    if there then
      new[buf] = nil
      tell_conflict(buf)
    end
    return there
  end
  local autoread = vim.bo[buf].autoread
  vim.bo[buf].autoread = true
  local ok, reason = pcall(compare, buf)
  vim.api.nvim_set_option_value('autoread', autoread, { buf = buf })
  return not ok or reason == 'conflict'
end

---The file of a buffer came into being after the buffer.
---@param buf integer
local function appeared(buf)
  new[buf] = nil
  if vim.bo[buf].modified then
    tell_conflict(buf)
  else
    vim.api.nvim_buf_call(buf, function()
      vim.cmd('silent keepjumps edit')
    end)
  end
end

---Whether an unmodified buffer has just what is on disk: its file was written once more with the same text. Not sure of
---anything but UTF-8 with plain line ends.
---@param buf integer
---@return boolean
local function has_disk(buf)
  local bo = vim.bo[buf]
  local plain = (bo.fileencoding == '' or bo.fileencoding == 'utf-8') and not bo.bomb
  if bo.modified or not plain or bo.fileformat ~= 'unix' then
    return false
  end
  local ok, disk = pcall(vim.fn.readfile, vim.api.nvim_buf_get_name(buf), 'b')
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  if bo.endofline then
    table.insert(lines, '')
  end
  return ok and vim.deep_equal(disk, lines)
end

---Takes over what is on disk, as one undo step, with the cursor and the view of every window kept.
---@param buf integer
---@return boolean
local function check(buf)
  local views = {}
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    views[win] = vim.api.nvim_win_call(win, vim.fn.winsaveview)
  end
  local autoread, undoreload = vim.bo[buf].autoread, vim.o.undoreload
  -- With 'autoread' an unmodified buffer is read again without a question; -1: whatever its size, it can be undone. One that
  -- has the text already is not: that would be an undo step that undoes nothing (OpenCode writes through us and by itself).
  vim.bo[buf].autoread = not has_disk(buf)
  vim.o.undoreload = -1
  local ok
  if new[buf] and vim.uv.fs_stat(vim.api.nvim_buf_get_name(buf)) then
    ok = pcall(appeared, buf)
  else
    ok = pcall(compare, buf)
  end
  vim.o.undoreload = undoreload
  if not vim.api.nvim_buf_is_valid(buf) then
    return true
  end
  -- Nil where the buffer has no value of its own.
  vim.api.nvim_set_option_value('autoread', autoread, { buf = buf })
  for win, view in pairs(views) do
    if vim.api.nvim_win_is_valid(win) and vim.api.nvim_win_get_buf(win) == buf then
      vim.api.nvim_win_call(win, function()
        vim.fn.winrestview(view)
      end)
    end
  end
  return ok
end

---@type table<integer, true>
local waiting = {}

---Text is locked at the moment (an <expr> mapping waits for a key): as soon as it is not.
local function later()
  vim.api.nvim_create_autocmd(
    { 'ModeChanged', 'CursorHold', 'CursorHoldI', 'CursorMoved', 'CursorMovedI' },
    {
      group = vim.api.nvim_create_augroup('agor.files.later', {}),
      once = true,
      callback = vim.schedule_wrap(function()
        local due = vim.tbl_keys(waiting)
        waiting = {}
        for _, buf in ipairs(due) do
          M.check(buf)
        end
      end),
    }
  )
end

---@param buf integer
function M.check(buf)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return
  end
  -- From before the comparison: what is written meanwhile is met by the next.
  local now = stamp(vim.api.nvim_buf_get_name(buf))
  if check(buf) then
    seen[buf] = vim.api.nvim_buf_is_loaded(buf) and now or nil
  else
    waiting[buf] = true
    later()
  end
end

---An agent changed files.
---@param cwd string
---@param paths string[]|nil none: whatever is below `cwd` may have changed
function M.changed(cwd, paths)
  local wanted = nil
  if paths and paths ~= vim.NIL and #paths > 0 then
    wanted = {}
    for _, path in ipairs(paths) do
      local full = path:match('^/') and path or vim.fs.joinpath(cwd, path)
      wanted[real(vim.fs.normalize(full, { expand_env = false }))] = true
    end
  end
  local dir = real(cwd)
  for buf, path in pairs(M.buffers()) do
    if wanted and wanted[path] then
      M.check(buf)
    elseif not wanted and below(dir, path) and seen[buf] ~= stamp(path) then
      -- Events without paths come after each command of an agent; a comparison costs far more than a look at the disk.
      M.check(buf)
    end
  end
end

---Changed buffers whose files lie in a session's directory.
---@param cwd string
---@return integer[]
local function changed_below(cwd)
  local dir, out = real(cwd), {}
  for buf, path in pairs(M.buffers()) do
    if vim.bo[buf].modified and below(dir, path) then
      table.insert(out, buf)
    end
  end
  table.sort(out)
  return out
end

---How many unsaved files an agent in `cwd` would see an older text of; 0 if the user does not want to know.
---@param cwd string
---@return integer
function M.unsaved(cwd)
  if require('agor.config').get().unsaved == 'ignore' then
    return 0
  end
  return #changed_below(cwd)
end

---Before a prompt goes out: `unsaved = 'write'` writes what the agent may read.
---@param cwd string
---@return true|nil
---@return string|nil message
function M.before_prompt(cwd)
  if require('agor.config').get().unsaved ~= 'write' then
    return true
  end
  for _, buf in ipairs(changed_below(cwd)) do
    local ok, err = pcall(vim.api.nvim_buf_call, buf, function()
      vim.cmd('silent update')
    end)
    if not ok or vim.bo[buf].modified then
      local why = ok and 'it is still changed' or message.line(err):gsub('^.-(E%d+:)', '%1')
      local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buf), ':~:.')
      return nil,
        ('%s could not be written before the prompt (%s); nothing was sent'):format(name, why)
    end
  end
  return true
end

return M
