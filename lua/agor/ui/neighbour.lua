--- The windows that are not the pane's: which of them a file opens in, and a new one if there is none.

local api = vim.api

local M = {}

--- The normal file window last used, by tabpage.
---@type table<integer, integer>
local last_file_window = {}

---@param win integer
---@return boolean
local function is_file_window(win)
  if vim.w[win].agor_pane or api.nvim_win_get_config(win).relative ~= '' then
    return false
  end
  local buf = api.nvim_win_get_buf(win)
  local empty_type = vim.bo[buf].buftype == ''
  return empty_type and not vim.wo[win].winfixbuf and not vim.wo[win].previewwindow
end

--- The tabpage's last normal file window.
---@return integer?
function M.last()
  local tab = api.nvim_get_current_tabpage()
  local last = last_file_window[tab]
  if last and api.nvim_win_is_valid(last) and is_file_window(last) then
    if api.nvim_win_get_tabpage(last) == tab then
      return last
    end
  end
  for _, win in ipairs(api.nvim_tabpage_list_wins(tab)) do
    if is_file_window(win) then
      return win
    end
  end
end

--- Opens a buffer in a new window beside the pane.
---@param buf integer
---@return integer win
function M.open(buf)
  local pane = require('agor.ui.pane').current()
  local anchor = pane and pane.transcript or api.nvim_get_current_win()
  local position = pane and pane.position or 'right'
  local win
  if position == 'float' or position == 'tab' then
    win =
      api.nvim_open_win(buf, false, { split = 'above', win = position == 'tab' and anchor or -1 })
  else
    local split = { right = 'left', left = 'right', bottom = 'above', top = 'below' }
    local _, width, height = require('agor.ui.geometry').sizes()
    local side = position == 'right' or position == 'left'
    win = api.nvim_open_win(buf, false, {
      split = split[position],
      win = -1,
      width = side and math.max(1, vim.o.columns - width - 1) or nil,
      height = not side and math.max(1, vim.o.lines - height - 4) or nil,
    })
  end
  vim.wo[win].winfixwidth, vim.wo[win].winfixheight = false, false
  return win
end

--- Once, when the first pane opens.
function M.setup()
  local group = api.nvim_create_augroup('agor_neighbour', { clear = true })
  api.nvim_create_autocmd({ 'WinEnter', 'WinLeave' }, {
    group = group,
    callback = function()
      local win = api.nvim_get_current_win()
      if is_file_window(win) then
        last_file_window[api.nvim_get_current_tabpage()] = win
      end
    end,
  })
  api.nvim_create_autocmd('TabClosed', {
    group = group,
    callback = function()
      for tab in pairs(last_file_window) do
        if not api.nvim_tabpage_is_valid(tab) then
          last_file_window[tab] = nil
        end
      end
    end,
  })
end

return M
