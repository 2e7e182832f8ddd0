--- What the windows of a pane look like beside each other: one box, with a rule and a bar. Knows windows that `pane.lua` has
--- claimed; what any window of such a buffer looks like is in `options.lua`.

local api = vim.api

local M = {}

--- The look of a pane's window: a thin rule instead of a status line between transcript and prompt, and no buffer names.
---@param win integer
function M.window(win)
  local options = require('agor.ui.options')
  local buf = api.nvim_win_get_buf(win)
  options.apply(win, buf)
  local role, position = vim.w[win].agor_pane, vim.w[win].agor_position
  if role == 'prompt' and vim.go.winbar ~= '' then
    -- Where all windows have a bar, one without is not to be had: at least it names no buffer.
    options.add(win, buf, 'winbar', '%#AgorHint# prompt')
  end
  -- With one status line for all, and on floats, there is none of a window's own.
  if position == 'float' then
    local look = 'NormalFloat:Normal,FloatBorder:AgorRule,' .. options.HIGHLIGHT
    options.add(win, buf, 'winhighlight', look)
  elseif vim.o.laststatus == 3 then
    local look = 'WinSeparator:AgorRule,' .. options.HIGHLIGHT
    options.add(win, buf, 'winhighlight', look)
  elseif role == 'transcript' then
    local rule = require('agor.ui.borders').rule()
    options.add(win, buf, 'fillchars', ('%s,stl:%s,stlnc:%s'):format(options.fill(), rule, rule))
    local look = 'StatusLine:AgorRule,StatusLineNC:AgorRule,' .. options.HIGHLIGHT
    options.add(win, buf, 'winhighlight', look)
    options.add(win, buf, 'statusline', '%#AgorRule#')
  elseif vim.go.statusline == '' or vim.fn.has('nvim-0.12') == 1 then
    options.add(win, buf, 'statusline', ' prompt %=')
  end
end

--- A buffer of ours was filled anew in a window that shows it already, by `:edit`: its options were set for that.
---@param win integer
---@param buf integer
function M.again(win, buf)
  require('agor.ui.options').apply(win, buf)
  if vim.w[win].agor_pane then
    M.window(win)
  end
end

return M
