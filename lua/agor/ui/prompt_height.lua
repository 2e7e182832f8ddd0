--- How high the prompt's window is: as high as the draft, within bounds.
---
--- Knows one window and its text; at whose cost it grows is the pane's business.

local api = vim.api

local M = {}

local LOW, HIGH = 3, 10

--- Neovim scrolls before the window has grown, and does not scroll back: no line is hidden while there is room.
---@param win integer
local function fill(win)
  local height, info = api.nvim_win_get_height(win), vim.fn.getwininfo(win)[1]
  local top = info.topline
  while top > 1 and api.nvim_win_text_height(win, { start_row = top - 2 }).all <= height do
    top = top - 1
  end
  if top < info.topline then
    api.nvim_win_call(win, function()
      vim.fn.winrestview({ topline = top })
    end)
  end
end

--- Gives a prompt's window the height that its draft needs.
---@param win integer
function M.fit(win)
  local height = math.max(LOW, math.min(api.nvim_win_text_height(win, {}).all, HIGH))
  require('agor.ui.pane').set_prompt_height(win, height)
  fill(win)
end

return M
