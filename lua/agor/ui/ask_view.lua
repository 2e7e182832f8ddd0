--- What a question looks like: a float with what is asked, and under it one with the choices. Only the lower one can have
--- the focus; both are drawn as one box.
---
--- Knows places and windows; what stands in them is in `ask_words.lua`. What a key does is `ask.lua`'s business, and it
--- never takes the focus itself.

local api = vim.api

local M = {}

local words = require('agor.ui.ask_words')
-- What outlives a reload of our modules: the view that is open.
local kept = require('agor.state')

local ns = api.nvim_create_namespace('agor_ask')

---@class agor.AskView
---@field item agor.AskItem
---@field win integer choices
---@field buf integer
---@field text_win integer
---@field text_buf integer

local WIDEST = 88
-- Lines of a text whose rows are counted exactly: it costs, and beyond a screen it does not matter.
local MOST_MEASURED = 200
local HIGHLIGHT = 'NormalFloat:AgorFloat,FloatBorder:AgorBorderAsk,'
  .. 'FloatTitle:AgorTitleAsk,FloatFooter:AgorFloatHint'

-- ------------------------------------------------------------------ place

---@param lines string[]
---@param width integer
---@return integer rows that the lines take when wrapped
local function rows_of(lines, width)
  local rows = 0
  for _, text in ipairs(lines) do
    -- No line is measured further than it can matter.
    local cells = #text > 4096 and #text or require('agor.ui.cells').width(text)
    rows = rows + math.max(1, math.ceil(cells / width))
  end
  return rows
end

---@param lists string[][]
---@return integer
local function widest(lists)
  local width = 0
  for _, lines in ipairs(lists) do
    for i = 1, math.min(#lines, 200) do
      local text = lines[i]
      width = math.max(width, #text > 512 and WIDEST or require('agor.ui.cells').width(text) + 1)
    end
  end
  return width
end

---@class agor.Corner
---@field right integer
---@field bottom integer
---@field width integer the room, with borders
---@field height integer

--- The corner where a box of that size ends, outside of its border.
---@param width integer wanted, with borders
---@param height integer
---@return agor.Corner
local function corner(width, height)
  local columns = vim.o.columns
  local bottom = vim.o.lines - vim.o.cmdheight - (vim.o.laststatus > 0 and 1 or 0)
  local tabline = vim.o.showtabline == 2 or (vim.o.showtabline == 1 and vim.fn.tabpagenr('$') > 1)
  local top = tabline and 1 or 0
  ---@param right integer
  ---@param low integer
  ---@param room integer
  ---@return agor.Corner
  local function at(right, low, room)
    return { right = right, bottom = low, width = room, height = low - top }
  end
  local pane = require('agor.ui.pane').current()
  if not pane or not pane.transcript or pane.position == 'float' then
    return at(columns, bottom, columns)
  end
  local pos = api.nvim_win_get_position(pane.transcript)
  local pane_width = api.nvim_win_get_width(pane.transcript)
  local least = math.min(width, 40)
  if pane_width >= columns - 1 then
    -- On top of a pane at the bottom, over its text if there is not room enough, but never over the prompt.
    local above = pos[1] - 1 - top >= 8 and pos[1] - 1 or 0
    local lowest = pane.prompt and api.nvim_win_get_position(pane.prompt)[1] - 1 or bottom
    if above == 0 and pos[1] - top < 8 then
      lowest = bottom
    end
    return at(columns, math.max(above, math.min(lowest, top + height)), columns)
  elseif pos[2] - 1 >= least then
    return at(pos[2] - 1, bottom, pos[2] - 1)
  elseif columns - pos[2] - pane_width - 1 >= least then
    local left = pos[2] + pane_width + 1
    return at(math.min(columns, left + width), bottom, columns - left)
  end
  return at(columns, bottom, columns)
end

-- ------------------------------------------------------------------ drawing

---@param buf integer
---@param drawn agor.Lines
local function colour(buf, drawn)
  api.nvim_buf_clear_namespace(buf, ns, 0, -1)
  require('agor.ui.tint').marks(buf, ns, drawn.marks)
  if drawn.ruled then
    local rule = require('agor.config').get().icons == 'ascii' and '-' or '─'
    local text = ' ' .. rule:rep(WIDEST)
    api.nvim_buf_set_extmark(buf, ns, drawn.ruled, 0, {
      virt_lines = { { { text, 'AgorBorderAsk' } } },
      virt_lines_above = true,
    })
  end
end

---@param buf integer
---@param drawn agor.Lines
local function fill(buf, drawn)
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, drawn.lines)
  vim.bo[buf].modifiable = false
  -- The rest of a wrapped row stands below its label; a text has rows of all kinds.
  vim.bo[buf].formatlistpat = drawn.hang and ([[\%%#=1^.\{%d}]]):format(drawn.hang)
    or require('agor.ui.options').LISTS
  colour(buf, drawn)
end

---@param name string
---@return integer
local function scratch(name)
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].undolevels = -1
  require('agor.filetype').set(buf, name)
  return buf
end

---@param win integer
local function dress(win)
  local wo = vim.wo[win][0]
  wo.winhighlight = HIGHLIGHT
  wo.wrap = true
  wo.linebreak = true
  wo.breakindent = true
  wo.breakindentopt = require('agor.ui.options').INDENT
  wo.showbreak = 'NONE'
  -- That there is more below is said in the border.
  wo.fillchars = require('agor.ui.options').fill()
  wo.cursorline = false
  wo.scrolloff = 0
  wo.winfixbuf = true
end

---@param view agor.AskView
function M.close(view)
  for _, win in ipairs({ view.win, view.text_win }) do
    if api.nvim_win_is_valid(win) then
      pcall(api.nvim_win_close, win, true)
    end
  end
  if kept.ui.ask.view == view then
    kept.ui.ask.view = nil
  end
end

--- Closes the one of before a reload of our modules. Its keys and autocommands still are those of then, and nobody would
--- close it any more.
function M.close_old()
  local old = kept.ui.ask.view
  if old and api.nvim_buf_is_valid(old.buf) then
    -- They would take it for closed by the user.
    api.nvim_clear_autocmds({ buffer = old.buf })
  end
  if old then
    M.close(old)
  end
end

--- False once the user has closed a part of it, or is in another tabpage.
---@param view agor.AskView?
---@return boolean
function M.usable(view)
  if
    not view
    or not api.nvim_win_is_valid(view.win)
    or not api.nvim_win_is_valid(view.text_win)
  then
    return false
  end
  return api.nvim_win_get_tabpage(view.win) == api.nvim_get_current_tabpage()
end

--- Draws a question, in the windows that are there if there are some (they have to be usable). Never takes the focus.
---@param view agor.AskView?
---@param item agor.AskItem
---@param position integer its place among those that wait
---@param total integer
---@param focused boolean
---@return agor.AskView?
function M.draw(view, item, position, total, focused)
  local above, below = words.content(item), words.choices(item, focused)
  local head, foot = words.title(item, position, total), words.hints(item, focused)
  local width = math.max(
    widest({ above.lines, below.lines }),
    require('agor.ui.cells').width(head) + 4,
    require('agor.ui.cells').width(foot) + 4,
    36
  )
  width = math.min(width, WIDEST)
  local ruled = below.ruled and 1 or 0
  local wanted = rows_of(above.lines, width) + rows_of(below.lines, width) + ruled + 3
  local place = corner(width + 2, wanted)
  width = math.max(10, math.min(width, place.width - 2))
  local choice_rows = math.max(1, math.min(rows_of(below.lines, width) + ruled, place.height - 5))
  head = words.fitting(item, position, total, width - 2)
  local left = math.max(0, place.right - width - 2)
  ---@param all_rows integer that what is asked takes
  ---@return vim.api.keyset.win_config text
  ---@return vim.api.keyset.win_config choices
  local function layout(all_rows)
    local text_rows = math.max(1, math.min(all_rows, place.height - choice_rows - 3))
    local top = math.max(0, place.bottom - text_rows - choice_rows - 3)
    local more = ''
    if all_rows > text_rows then
      local rest = all_rows - text_rows
      local key = focused and ', <C-d> <C-u> scroll' or ''
      more = (' %d more %s%s '):format(rest, rest == 1 and 'line' or 'lines', key)
    end
    return {
      relative = 'editor',
      row = top,
      col = left,
      width = width,
      height = text_rows,
      border = require('agor.ui.borders').upper(),
      title = (' %s '):format(head),
      focusable = false,
      zindex = 55,
    }, {
      relative = 'editor',
      row = top + text_rows + 1,
      col = left,
      width = width,
      height = choice_rows,
      border = require('agor.ui.borders').lower(),
      title = more ~= '' and { { more, 'AgorFloatHint' } } or '',
      title_pos = 'right',
      footer = foot ~= '' and (' %s '):format(foot) or '',
      footer_pos = 'left',
      zindex = 56,
    }
  end
  local guessed = rows_of(above.lines, width)
  local text_config, config = layout(guessed)
  local same = view ~= nil and view.item == item
  if view then
    fill(view.text_buf, above)
    fill(view.buf, below)
    api.nvim_win_set_config(view.text_win, text_config)
    api.nvim_win_set_config(view.win, config)
  else
    local text_buf, buf = scratch('agor-question-text'), scratch('agor-question')
    fill(text_buf, above)
    fill(buf, below)
    vim.b[buf].agor_session = item.session_id
    for _, fresh in ipairs({ text_config, config }) do
      fresh.noautocmd = true
      fresh.style = 'minimal'
    end
    local ok, text_win = pcall(api.nvim_open_win, text_buf, false, text_config)
    if not ok then
      return nil
    end
    local win = api.nvim_open_win(buf, false, config)
    dress(text_win)
    dress(win)
    view = { item = item, win = win, buf = buf, text_win = text_win, text_buf = text_buf }
    kept.ui.ask.view = view
  end
  -- Where 'linebreak' breaks, only the window knows.
  local few = #above.lines <= MOST_MEASURED
  local rows = few and api.nvim_win_text_height(view.text_win, {}).all or guessed
  local chosen_from = api.nvim_win_text_height(view.win, {}).all
  chosen_from = math.max(1, math.min(chosen_from, place.height - 5))
  if rows ~= guessed or chosen_from ~= choice_rows then
    choice_rows = chosen_from
    text_config, config = layout(rows)
    api.nvim_win_set_config(view.text_win, text_config)
    api.nvim_win_set_config(view.win, config)
  end
  view.item = item
  vim.b[view.buf].agor_session = item.session_id
  if not same then
    api.nvim_win_set_cursor(view.text_win, { 1, 0 })
  end
  local row = math.max(1, math.min(item.at, #below.lines))
  api.nvim_win_set_cursor(view.win, { row, 1 })
  return view
end

--- Draws the same text in the colours that its question has now.
---@param view agor.AskView
function M.recolour(view)
  if api.nvim_buf_is_valid(view.text_buf) then
    colour(view.text_buf, words.content(view.item))
  end
end

--- All of what is asked in a window of its own, which takes the focus.
---@param item agor.AskItem
function M.whole(item)
  local all = words.content(item)
  require('agor.ui.detail').open(item.tool ~= '' and item.tool or 'Question', all.lines, all.marks)
end

--- Scrolls what is asked by a normal mode key.
---@param view agor.AskView
---@param key string
function M.scroll(view, key)
  api.nvim_win_call(view.text_win, function()
    vim.cmd('normal! ' .. key)
  end)
end

return M
