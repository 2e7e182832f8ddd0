--- The float behind `K`: one thing of a transcript, whole, to be read and yanked from.
---
--- Knows lines and marks; what they are is the backend's business.

local api = vim.api

local M = {}

local ns = api.nvim_create_namespace('agor_detail')

-- Lines whose width is measured: it costs, and beyond some screens it does not matter.
local MEASURED = 2000
local WIDEST = 120

---@param lines string[]
---@return integer
local function widest(lines)
  local width = 0
  for row = 1, math.min(#lines, MEASURED) do
    -- A byte is a cell or less, but for what is shown as `^X`.
    local line = lines[row]
    width = math.max(width, #line > 4 * WIDEST and WIDEST or vim.fn.strdisplaywidth(line))
    if width >= WIDEST then
      return WIDEST
    end
  end
  return width
end

--- In the middle of the screen, as large as the text wants and the screen allows.
---@param width integer of the text
---@param rows integer that the text takes when it is not wrapped
---@param title string
---@return vim.api.keyset.win_config
local function place(width, rows, title)
  local free = vim.o.lines - vim.o.cmdheight - 1
  -- A cell of air at each side.
  local wanted = math.max(width + 2, vim.fn.strdisplaywidth(title) + 2, 30)
  local most = math.floor(free * 0.85)
  return require('agor.ui.geometry').middle(wanted, math.min(rows, most))
end

---@param title string
---@param lines string[]
---@param marks any[] row, col, end_col and group of each; an end of -1 colours the row
---@param follow fun()|nil where `gf` leads, with the cursor still here; else it leads nowhere
---@return integer win
function M.open(title, lines, marks, follow)
  local buf = api.nvim_create_buf(false, true)
  -- What was read from a file has a line's end where a NUL was.
  local shown = vim.tbl_map(function(line)
    return line:find('\n', 1, true) and line:gsub('\n', '\0') or line
  end, lines)
  api.nvim_buf_set_lines(buf, 0, -1, false, shown)
  require('agor.ui.tint').marks(buf, ns, marks or {})
  vim.bo[buf].modifiable = false
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].undolevels = -1
  local width = widest(lines)
  -- A wrapped line wants more rows; how many is known once there is a window.
  local name = ' ' .. require('agor.ui.cells').clean(title) .. ' '
  local config = place(width, #lines, name)
  config.style = 'minimal'
  config.title, config.title_pos, config.zindex = name, 'center', 60
  vim.cmd.stopinsert()
  local win = api.nvim_open_win(buf, true, config)
  local wo = vim.wo[win][0]
  wo.wrap, wo.linebreak, wo.breakindent = true, true, true
  -- Air: nothing folds here.
  wo.foldcolumn, wo.foldenable = '1', false
  wo.fillchars = 'eob: ,lastline: '
  wo.winhighlight = require('agor.ui.options').FLOAT
  require('agor.filetype').set(buf, 'agor-detail')

  local function fit()
    if not api.nvim_win_is_valid(win) then
      return
    end
    local to = place(width, #lines, name)
    if #lines <= 200 then
      api.nvim_win_set_config(win, to)
      to = place(width, math.max(#lines, api.nvim_win_text_height(win, {}).all), name)
    end
    api.nvim_win_set_config(win, to)
  end
  fit()

  local function close()
    if api.nvim_win_is_valid(win) then
      api.nvim_win_close(win, true)
    end
  end
  require('agor.ui.keys').attach(buf, {
    {
      modes = 'n',
      lhs = { 'q', '<Esc>', 'K' },
      name = 'detail-close',
      desc = 'close',
      run = close,
    },
    {
      modes = 'n',
      lhs = { 'gf', 'gd' },
      name = 'detail-file',
      desc = 'go to the file',
      run = follow or function()
        require('agor.message').warn('There is no file here')
      end,
    },
  })
  local group = api.nvim_create_augroup('agor_detail_' .. buf, { clear = true })
  api.nvim_create_autocmd('VimResized', { group = group, callback = fit })
  local leave = { group = group, buffer = buf, once = true, callback = close }
  api.nvim_create_autocmd('WinLeave', leave)
  api.nvim_create_autocmd('BufWipeout', {
    group = group,
    buffer = buf,
    callback = function()
      require('agor.ui.keys').forget(buf)
      api.nvim_del_augroup_by_id(group)
    end,
  })
  return win
end

return M
