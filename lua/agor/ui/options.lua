--- Window options of our buffers: set locally, so that they never leak into the next buffer of the window, and in such
--- a way that a user's FileType autocommand has the last word, although the filetype is set before the window opens.

local M = {}

---@class agor.Look
---@field ours table<string, any>
---@field theirs table<string, any> what the user's FileType autocommand set, in its own words

-- What outlives a reload of our modules.
local kept = require('agor.state')
kept.ui = kept.ui or {}

---@type table<integer, agor.Look>
local looks = kept.ui.looks or {}
kept.ui.looks = looks

M.HIGHLIGHT = 'WinBar:AgorBar,WinBarNC:AgorBar,FoldColumn:AgorMargin,EndOfBuffer:AgorMargin'
--- Of floats that show something of ours: lists, texts, keys.
M.FLOAT = 'NormalFloat:AgorFloat,FloatBorder:AgorBorder,FloatTitle:AgorFloatTitle,'
  .. 'FloatFooter:AgorFloatHint,FoldColumn:AgorFloat,CursorLine:AgorSelected'

--- 'fillchars': the user's own, since a window's hide all of them, and ours.
---@return string
function M.fill()
  local ours = 'eob: ,lastline: '
  local ascii = require('agor.ui.borders').separators()
  local parts = vim.tbl_filter(function(part)
    return part ~= ''
  end, { vim.go.fillchars, ours, ascii })
  return table.concat(parts, ',')
end

--- 'breakindentopt' and 'formatlistpat'. The rest of a wrapped row stands below its text: list items, quotes, headings,
--- the signs before entries and the bar before a tool's output (those are no letters but with ascii icons), and the
--- numbers of a diff. Neovim compiles it anew each time it measures such a row, some twenty times a frame, and naming all
--- the signs takes three times as long as `\W`.
M.INDENT = 'list:-1,min:8'
M.LISTS = [[\%#=1^\s*\%(\%(\W\|[xo]\|\d\+[.)]\)\s\+\|\d\+ [-+ ]\)]]

-- A split takes over its neighbour's options; these must never come along from a code window.
local BASE = {
  number = false,
  relativenumber = false,
  signcolumn = 'no',
  -- One cell of air between the text and what stands at its left: there are no folds.
  foldcolumn = '1',
  foldmethod = 'manual',
  foldenable = false,
  statuscolumn = '',
  colorcolumn = '',
  cursorcolumn = false,
  cursorline = false,
  spell = false,
  list = false,
  wrap = true,
  linebreak = true,
  breakindent = true,
  breakindentopt = M.INDENT,
  showbreak = 'NONE',
  diff = false,
  scrollbind = false,
  cursorbind = false,
  -- The signs of Markdown, also where the cursor is: a line that changes under it would jump.
  conceallevel = 2,
  concealcursor = 'nc',
  winhighlight = M.HIGHLIGHT,
}

---@type string[]?
local window_options

local function names()
  if not window_options then
    window_options = {}
    for name, info in pairs(vim.api.nvim_get_all_options_info()) do
      if info.scope == 'win' and name ~= 'winbar' then
        window_options[#window_options + 1] = name
      end
    end
  end
  return window_options
end

local function read()
  local values = {}
  for _, name in ipairs(names()) do
    values[name] = vim.api.nvim_get_option_value(name, { scope = 'local', win = 0 })
  end
  return values
end

local function write(win, values)
  for name, value in pairs(values) do
    local scope = { scope = 'local', win = win }
    if vim.api.nvim_get_option_value(name, scope) ~= value then
      vim.api.nvim_set_option_value(name, value, scope)
    end
  end
end

--- Sets the filetype, and remembers what the user's autocommands make of the window's options. The options are in force
--- while those run, in the window that shows the buffer or, if there is none, in Neovim's own hidden one.
---@param buf integer
---@param filetype string
---@param extra table<string, any>
function M.prepare(buf, filetype, extra)
  local ours = vim.tbl_extend('force', BASE, { fillchars = M.fill() }, extra)
  local theirs = {}
  -- What an autocommand throws goes past every pcall that is inside.
  local ok, err = pcall(vim.api.nvim_buf_call, buf, function()
    write(0, ours)
    local before = read()
    require('agor.filetype').set(buf, filetype)
    -- The autocommand may have gone elsewhere; then its window options are not for us.
    if vim.api.nvim_get_current_buf() == buf then
      for name, value in pairs(read()) do
        if value ~= before[name] then
          theirs[name] = value
        end
      end
    end
  end)
  if not ok then
    require('agor.filetype').failed(filetype, err)
  end
  looks[buf] = { ours = ours, theirs = theirs }
end

--- Gives a window that shows the buffer its options, once: later changes are the user's.
---@param win integer
---@param buf integer
function M.apply(win, buf)
  local look = looks[buf]
  if not look or vim.w[win].agor_options == buf then
    return
  end
  vim.w[win].agor_options = buf
  write(win, look.ours)
  write(win, look.theirs)
end

--- One more option, unless the user's FileType autocommand has set it.
---@param win integer
---@param buf integer
---@param name string
---@param value any
function M.add(win, buf, name, value)
  if looks[buf] and looks[buf].theirs[name] == nil then
    write(win, { [name] = value })
  end
end

---@param buf integer
function M.forget(buf)
  looks[buf] = nil
end

return M
