-- Text of a buffer with its place, exact to the byte: what a selection, a range or a motion covers.
-- Knows buffers and positions, and in which directories sessions work.

local M = {}

---@class agor.Selection an agor.Context (see ui/prompt.lua) whose path is still absolute
---@field name string
---@field first_line integer
---@field last_line integer
---@field filetype string
---@field text string
---@field unsaved boolean

---Lines as one text. A NUL is a line feed inside a line for Neovim; bytes that are no UTF-8 cannot travel.
---@param lines string[]
---@return string
local function join(lines)
  for i, line in ipairs(lines) do
    lines[i] = line:gsub('\n', '\0')
  end
  return table.concat(lines, '\n')
end

---@param buf integer
---@param first integer
---@param last integer
---@param text string
---@return agor.Selection
local function selection(buf, first, last, text)
  local name = vim.api.nvim_buf_get_name(buf)
  local special = vim.bo[buf].buftype ~= '' and vim.bo[buf].buftype ~= 'help'
  if special or name:match('^%a[%w+.-]*://') then
    name = ''
  end
  local on_disk = name ~= '' and not vim.bo[buf].modified and vim.uv.fs_stat(name) ~= nil
  return {
    name = name,
    first_line = first,
    last_line = last,
    filetype = vim.bo[buf].filetype,
    text = text,
    unsaved = not on_disk,
  }
end

---Whole lines.
---@param buf integer
---@param first integer from 1
---@param last integer
---@return agor.Selection
function M.lines(buf, first, last)
  local count = vim.api.nvim_buf_line_count(buf)
  first = math.max(1, math.min(first, count))
  last = math.max(first, math.min(last, count))
  return selection(buf, first, last, join(vim.api.nvim_buf_get_lines(buf, first - 1, last, false)))
end

---What Neovim itself would yank, without a trace of it: only a yank knows all of 'selection', 'virtualedit', `$` blocks,
---tabs cut by a block's edge and wrapped lines.
---@param keys string what makes the selection, before the yank
---@return agor.Selection
local function yank(keys)
  local view = vim.fn.winsaveview()
  local kept, unnamed = vim.fn.getreginfo('z'), vim.fn.getreginfo('"')
  local marks = { ["'["] = vim.fn.getpos("'["), ["']"] = vim.fn.getpos("']") }
  local ignored = vim.o.eventignore
  vim.opt.eventignore:append('TextYankPost')
  local ok, err = pcall(function()
    vim.cmd({ cmd = 'normal', bang = true, args = { keys .. '"zy' }, mods = { silent = true } })
  end)
  vim.o.eventignore = ignored
  local taken = vim.fn.getreginfo('z')
  vim.fn.setreg('z', kept)
  if unnamed.points_to then
    vim.fn.setreg('"', { points_to = unnamed.points_to })
  end
  for mark, position in pairs(marks) do
    vim.fn.setpos(mark, position)
  end
  vim.fn.winrestview(view)
  if not ok then
    error(err, 0)
  end
  local text = join(taken.regcontents or {})
  if taken.regtype == 'V' and vim.fn.visualmode() == 'v' then
    text = text .. '\n' -- 'selection' "old" yanks so what ends on an empty line.
  end
  local from, to = vim.fn.line("'<"), vim.fn.line("'>")
  return selection(vim.api.nvim_get_current_buf(), math.min(from, to), math.max(from, to), text)
end

---The selection of the visual mode that is active; ends that mode.
---@return agor.Selection
function M.visual()
  -- Select mode would type the keys over the text.
  local select = vim.fn.mode():match('^[sS\19]') and '\7' or ''
  return yank(select)
end

---The last visual selection of the current buffer.
---@return agor.Selection
function M.marks()
  if vim.fn.visualmode() == '' then
    return M.lines(vim.api.nvim_get_current_buf(), vim.fn.line("'<"), vim.fn.line("'>"))
  end
  local mode = vim.o.selectmode
  vim.o.selectmode = ''
  local ok, out = pcall(yank, 'gv')
  vim.o.selectmode = mode
  if not ok then
    error(out, 0)
  end
  return out
end

---What was last selected in a buffer, which may be any: no mode and no register is touched. nil: nothing was.
---@param buf integer
---@return agor.Selection|nil
function M.last_selection(buf)
  return vim.api.nvim_buf_call(buf, function()
    local from, to, kind = vim.fn.getpos("'<"), vim.fn.getpos("'>"), vim.fn.visualmode()
    if kind == '' or from[2] == 0 or to[2] == 0 then
      return nil
    end
    local lines = vim.fn.getregion(from, to, { type = kind })
    return selection(buf, from[2], to[2], join(lines))
  end)
end

---What an operator's motion covered.
---@param kind 'char'|'line'|'block'
---@return agor.Selection
function M.motion(kind)
  local from, to = vim.fn.getpos("'["), vim.fn.getpos("']")
  local buf = vim.api.nvim_get_current_buf()
  if kind == 'line' then
    return M.lines(buf, from[2], to[2])
  end
  local lines =
    vim.fn.getregion(from, to, { type = kind == 'block' and '\22' or 'v', exclusive = false })
  return selection(buf, from[2], to[2], join(lines))
end

---@param source 'visual'|'marks'|'lines'
---@param first integer
---@param last integer
---@return agor.Selection
function M.take(source, first, last)
  if source == 'visual' then
    return M.visual()
  elseif source == 'marks' then
    return M.marks()
  end
  return M.lines(vim.api.nvim_get_current_buf(), first, last)
end

---Where a text is from, without the text; nil for a buffer without a name.
---@param taken agor.Selection
---@return agor.Selection|nil
function M.place(taken)
  if taken.name == '' then
    return nil
  end
  return {
    name = taken.name,
    first_line = taken.first_line,
    last_line = taken.last_line,
    filetype = taken.filetype,
    text = '',
    unsaved = false,
  }
end

---@param path string
---@param dir string
---@return string|nil
local function below(path, dir)
  dir = dir:gsub('/+$', '') .. '/'
  return vim.startswith(path, dir) and path:sub(#dir + 1) or nil
end

---A file of the repository as a session names it that works in a worktree of it, if that has the file too.
---@param path string
---@param cwd string
---@return string|nil
local function in_worktree(path, cwd)
  for _, row in ipairs(require('agor.mirror').list()) do
    local worktree = row.cwd == cwd and row.worktree
    local rest = worktree and below(path, worktree.repository)
    if worktree and rest then
      local twin = vim.fs.joinpath(worktree.path, rest)
      return vim.uv.fs_stat(twin) and below(twin, cwd) or nil
    end
  end
end

---The path as the session's agent would name it.
---@param name string absolute, or empty
---@param cwd string
---@return string
function M.relative(name, cwd)
  if name == '' then
    return ''
  end
  local path = vim.fs.normalize(name, { expand_env = false })
  local direct = below(path, vim.fs.normalize(cwd, { expand_env = false }))
  if direct then
    return direct
  end
  local real, real_cwd = vim.uv.fs_realpath(path), vim.uv.fs_realpath(cwd)
  return real and real_cwd and below(real, real_cwd) or in_worktree(real or path, cwd) or path
end

---@param taken agor.Selection
---@param cwd string the session's directory
---@return agor.Context
function M.for_session(taken, cwd)
  return {
    path = M.relative(taken.name, cwd),
    first_line = taken.first_line,
    last_line = taken.last_line,
    filetype = taken.filetype,
    text = taken.text,
    unsaved = taken.unsaved or nil,
  }
end

return M
