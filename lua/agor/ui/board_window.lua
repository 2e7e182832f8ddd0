--- The board's window: a float over the middle, or a panel along an edge that stays. Knows sizes; what stands in the
--- buffer is the board's own business.

local api = vim.api

local M = {}

--- Sizes of the other windows, to be given back when the panel goes.
---@type table<integer, agor.Sizes|nil>
local given_back = {}

---@return agor.Config.board
local function config()
  return require('agor.config').get().board
end

---@param value number|nil a share of the whole, or cells
---@param default number
---@param whole integer
---@return integer
local function size(value, default, whole)
  value = value or default
  return math.floor(value <= 1 and value * whole or value)
end

---@return integer
local function lines_free()
  return vim.o.lines - vim.o.cmdheight - 1
end

---@param rows integer screen lines that it has to show
---@param title string
---@param footer string
---@return vim.api.keyset.win_config
local function float(rows, title, footer)
  local space = lines_free()
  local width = math.max(size(config().width, 0.9, vim.o.columns), 56)
  width = math.max(1, math.min(width, vim.o.columns - 4))
  local most = math.min(size(config().height, 0.8, space), space - 4)
  local out = require('agor.ui.geometry').middle(width, math.min(rows, most))
  out.title = ' ' .. require('agor.ui.cells').shorten(title, width - 4) .. ' '
  out.footer, out.title_pos, out.footer_pos = footer, 'center', 'center'
  -- Above a question that waits, below the help.
  out.zindex = 58
  return out
end

---@param buf integer
---@return integer win
local function open_panel(buf)
  local split = ({ left = 'left', right = 'right' })[config().position] or 'below'
  local side = split ~= 'below'
  local width = math.max(30, math.min(size(config().width, 0.3, vim.o.columns), vim.o.columns - 20))
  local height = math.max(3, math.min(size(config().height, 0.25, lines_free()), lines_free() - 6))
  local layout = require('agor.ui.layout')
  local before = layout.snapshot({})
  local win = api.nvim_open_win(buf, true, {
    split = split,
    win = -1,
    width = side and width or nil,
    height = not side and height or nil,
  })
  for _, name in ipairs({ 'winfixbuf', side and 'winfixwidth' or 'winfixheight' }) do
    api.nvim_set_option_value(name, true, { scope = 'local', win = win })
  end
  given_back[win] = layout.rescale(before, {
    { win = win, width = side and width or nil, height = not side and height or nil },
  })
  return win
end

---@return boolean
function M.is_float()
  return config().position == 'float'
end

--- Opens it with the cursor in it.
---@param buf integer
---@return integer win
function M.open(buf)
  local options = require('agor.ui.options')
  local win
  if M.is_float() then
    win = api.nvim_open_win(buf, true, float(1, 'Sessions', ''))
    vim.wo[win].winfixbuf = true
    options.apply(win, buf)
    options.add(win, buf, 'winhighlight', options.FLOAT .. ',EndOfBuffer:AgorMargin')
  else
    win = open_panel(buf)
    options.apply(win, buf)
    options.add(win, buf, 'winhighlight', options.HIGHLIGHT .. ',CursorLine:AgorSelected')
    if vim.o.laststatus ~= 3 then
      options.add(win, buf, 'statusline', ' sessions')
    end
  end
  return win
end

--- As high as there is to show, and with a title that says how it is narrowed and ordered.
---@param win integer
---@param buf integer
---@param rows integer
---@param title string
---@param footer string
function M.fit(win, buf, rows, title, footer)
  if api.nvim_win_get_config(win).relative ~= '' then
    api.nvim_win_set_config(win, float(rows, title, footer))
    return
  end
  local text = require('agor.ui.cells').shorten(title, api.nvim_win_get_width(win) - 2)
  local bar = '%#AgorBar# %#AgorTitle#' .. text:gsub('%%', '%%%%')
  if vim.wo[win].winbar ~= bar then
    require('agor.ui.options').add(win, buf, 'winbar', bar)
  end
end

--- Closes it; where it is the last window, an empty buffer takes its place.
---@param win integer
function M.close(win)
  local others = vim.tbl_filter(function(other)
    return other ~= win and api.nvim_win_get_config(other).relative == ''
  end, api.nvim_tabpage_list_wins(0))
  local is_float = api.nvim_win_get_config(win).relative ~= ''
  if not is_float and #others == 0 and #api.nvim_list_tabpages() == 1 then
    local empty = api.nvim_create_buf(true, false)
    local beside = api.nvim_open_win(empty, true, { split = 'above', win = win })
    vim.wo[beside].winfixwidth, vim.wo[beside].winfixheight = false, false
  end
  api.nvim_win_close(win, true)
end

--- It is being closed, by us or by the user: the others get their room back.
---@param win integer
function M.closed(win)
  local sizes = given_back[win]
  given_back[win] = nil
  if not api.nvim_win_is_valid(win) or api.nvim_win_get_config(win).relative ~= '' then
    return
  end
  local layout = require('agor.ui.layout')
  local tab = api.nvim_win_get_tabpage(win)
  local now = layout.snapshot({ [win] = true })
  vim.schedule(function()
    if api.nvim_tabpage_is_valid(tab) and tab == api.nvim_get_current_tabpage() then
      local exact = layout.untouched(sizes, now)
      layout.rescale(exact and sizes and sizes.before or now, {})
    end
  end)
end

return M
