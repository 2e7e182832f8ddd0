--- A file beside what it was, in diff mode, in a tabpage of its own: at the left the old text, read-only, at the right the
--- file as it is, to be edited. `do` takes a change back.
---
--- Knows windows and buffers; which texts they are is told.

local api = vim.api

local M = {}

---@class agor.Diff
---@field path string
---@field was string|nil the name that it had, if that was another
---@field text_file string|nil has the old text, and is removed; none: the file was not there
---@field paths string[] all that can be gone through
---@field go fun(path: string)

--- The tabpage that is there, with the file's buffer.
---@type { tab: integer, buf: integer }?
local shown

-- What the descriptions of our keys in a file's buffer begin with.
local OURS = 'agor diff: '

---@param buf integer
local function unmap(buf)
  if not api.nvim_buf_is_valid(buf) then
    return
  end
  for _, map in ipairs(api.nvim_buf_get_keymap(buf, 'n')) do
    if vim.startswith(map.desc or '', OURS) then
      vim.keymap.del('n', map.lhs --[[@as string]], { buffer = buf })
    end
  end
end

local function close()
  local was = shown
  shown = nil
  if not was then
    return
  end
  unmap(was.buf)
  if api.nvim_tabpage_is_valid(was.tab) then
    if #api.nvim_list_tabpages() == 1 then
      vim.cmd.tabnew()
    end
    vim.cmd.tabclose(api.nvim_tabpage_get_number(was.tab))
  end
end

---@param diff agor.Diff
---@param step integer
local function walk(diff, step)
  local count = #diff.paths
  for i, path in ipairs(diff.paths) do
    if path == diff.path then
      return diff.go(diff.paths[(i - 1 + step) % count + 1])
    end
  end
  if count > 0 then
    diff.go(diff.paths[1])
  end
end

---@param diff agor.Diff
---@return agor.Key[]
local function keys(diff)
  local function key(lhs, name, desc, run)
    return { modes = 'n', lhs = lhs, name = 'diff-' .. name, desc = OURS .. desc, run = run }
  end
  return {
    key('q', 'close', 'close the tabpage', close),
    key(']f', 'next', 'next file', function()
      walk(diff, vim.v.count1)
    end),
    key('[f', 'prev', 'previous file', function()
      walk(diff, -vim.v.count1)
    end),
  }
end

--- In the file's own buffer, as long as this tabpage is shown.
---@param buf integer
---@param diff agor.Diff
local function map(buf, diff)
  require('agor.ui.keys').attach(buf, keys(diff))
  require('agor.ui.keys').forget(buf)
end

--- The old text in the current window: read by Neovim as it reads the file, so that only what differs differs.
---@param diff agor.Diff
---@param filetype string
---@return integer buf
local function old(diff, filetype)
  local buf
  if diff.text_file then
    require('agor.regular').without_modelines(function()
      local mods = { noautocmd = true, keepalt = true, keepjumps = true }
      require('agor.regular').edit('edit', diff.text_file, mods)
      vim.bo.modeline = false
    end)
    buf = api.nvim_get_current_buf()
    vim.bo[buf].swapfile = false
    vim.uv.fs_unlink(diff.text_file)
  else
    buf = api.nvim_create_buf(false, true)
    api.nvim_win_set_buf(0, buf)
  end
  vim.bo[buf].buftype = 'nofile'
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].buflisted = false
  local was = api.nvim_buf_get_name(buf)
  api.nvim_buf_set_name(buf, ('agor-before://%s'):format(diff.path))
  -- The name that it had stays as a buffer of its own.
  for _, other in ipairs(api.nvim_list_bufs()) do
    if diff.text_file and other ~= buf and api.nvim_buf_get_name(other) == was then
      pcall(api.nvim_buf_delete, other, { force = true })
    end
  end
  vim.bo[buf].modifiable = false
  vim.bo[buf].readonly = true
  -- Colours without the user's language servers.
  if filetype ~= '' then
    if not pcall(vim.treesitter.start, buf, vim.treesitter.language.get_lang(filetype)) then
      vim.bo[buf].syntax = filetype
    end
  end
  return buf
end

--- Shows it, in the place of one that is shown already.
---@param diff agor.Diff
---@return integer|nil buf of the file
function M.open(diff)
  local regular = require('agor.regular')
  if vim.uv.fs_stat(diff.path) and not regular.is(diff.path) then
    -- Reading what somebody has put in its place might never end.
    return require('agor.message').error(
      ('%s is not opened: it is no regular file'):format(diff.path)
    )
  end
  vim.cmd.stopinsert()
  if shown and api.nvim_tabpage_is_valid(shown.tab) then
    unmap(shown.buf)
    api.nvim_set_current_tabpage(shown.tab)
    vim.cmd('silent only')
    vim.cmd.diffoff()
    regular.edit('edit', diff.path, { silent = true, hide = true })
  else
    regular.edit('tabedit', diff.path, { silent = true })
  end
  local buf, right = api.nvim_get_current_buf(), api.nvim_get_current_win()
  vim.cmd('noautocmd leftabove vertical split')
  local left = api.nvim_get_current_win()
  local before = old(diff, vim.bo[buf].filetype)
  shown = { tab = api.nvim_get_current_tabpage(), buf = buf }
  for _, win in ipairs({ left, right }) do
    api.nvim_win_call(win, vim.cmd.diffthis)
  end
  local place = ''
  for i, path in ipairs(diff.paths) do
    if path == diff.path and #diff.paths > 1 then
      place = (' (%d of %d)'):format(i, #diff.paths)
    end
  end
  -- One at each side, so that the lines stand beside each other.
  local function head(win, path, text, hints)
    local cells = require('agor.ui.cells')
    local name = vim.fn.fnamemodify(path, ':.')
    local line = cells.clean((' %s, %s%s'):format(name, text, place))
    local room = api.nvim_win_get_width(win) - cells.width(line) - 1
    local aside = require('agor.ui.hints').line(hints, room)
    -- The name is worth more than the keys.
    aside = cells.width(aside) <= room and '%=%#AgorHint#' .. aside or ''
    vim.wo[win][0].winbar = line:gsub('%%', '%%%%') .. aside
  end
  local hints = { 'do takes back', 'q closes' }
  if #diff.paths > 1 then
    table.insert(hints, 1, ']f [f files')
  end
  head(left, diff.was or diff.path, diff.text_file and 'before' or 'was not there before', {})
  head(right, diff.path, vim.uv.fs_stat(diff.path) and 'now' or 'is gone', hints)
  require('agor.ui.keys').attach(before, keys(diff))
  api.nvim_set_current_win(right)
  map(buf, diff)
  if vim.fn.diff_hlID(1, 1) == 0 then
    vim.cmd('silent! normal! gg]c')
  end
  local group = api.nvim_create_augroup('agor_diff', { clear = true })
  local function on(event, run)
    api.nvim_create_autocmd(event, {
      group = group,
      callback = function()
        if shown and api.nvim_get_current_tabpage() == shown.tab then
          run()
        end
      end,
    })
  end
  -- In another tabpage the file's keys are the user's.
  on('TabLeave', function()
    unmap(buf)
  end)
  on('TabEnter', function()
    if api.nvim_buf_is_valid(buf) then
      map(buf, diff)
    end
  end)
  api.nvim_create_autocmd('TabClosed', {
    group = group,
    callback = function()
      if shown and not api.nvim_tabpage_is_valid(shown.tab) then
        unmap(shown.buf)
        shown = nil
      end
    end,
  })
  return buf
end

return M
