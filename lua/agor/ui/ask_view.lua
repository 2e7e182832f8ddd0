--- What a question looks like: a float with what is asked, and under it one with the choices. Only the lower one can have
--- the focus; both are drawn as one box.
---
--- Knows places and lines. What a key does is `ask.lua`'s business, and it never takes the focus itself.

local api = vim.api

local M = {}

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

---@class agor.Lines
---@field lines string[]
---@field marks any[] row, col, end_col, group
---@field ruled integer? the row that a line stands above

---@return agor.Lines
local function block()
  return { lines = {}, marks = {} }
end

---@param out agor.Lines
---@param pieces string[][] text and group
local function line(out, pieces)
  local text, row = '', #out.lines
  for _, piece in ipairs(pieces) do
    local clean = piece[1]:gsub('[%z\r\n]', ' ')
    if piece[2] then
      out.marks[#out.marks + 1] = { row, #text, #text + #clean, piece[2] }
    end
    text = text .. clean
  end
  out.lines[#out.lines + 1] = text
end

---@param item agor.AskItem
---@return agor.Lines
local function content(item)
  local out = block()
  if item.kind == 'question' then
    local question = require('agor.ui.ask_item').current(item)
    local cells = require('agor.ui.cells')
    for _, text in ipairs(vim.split(question.text, '\n', { plain = true })) do
      local from, to = text:find(item.url or '\0', 1, true)
      if from and to then
        local before, after = ' ' .. text:sub(1, from - 1), text:sub(to + 1)
        line(out, { { before }, { cells.clean(text:sub(from, to)), 'AgorLink' }, { after } })
      else
        line(out, { { ' ' .. text } })
      end
    end
    if item.url and not question.text:find(item.url, 1, true) then
      line(out, { { ' ' }, { cells.clean(item.url), 'AgorLink' } })
    end
    if item.url and not require('agor.ui.page').is_safe(item.url) then
      line(
        out,
        { { ' Only addresses that begin with http:// or https:// are opened.', 'AgorWarning' } }
      )
    end
    if question.multi then
      line(out, { { ' Several may be chosen.', 'AgorDim' } })
    end
    return out
  end
  if item.title ~= '' and item.tool ~= 'plan' then
    -- A command or a path that the text begins with anyway is not said twice.
    -- A command of several lines has its first one for a title, and a sign that it goes on.
    local words = vim.trim(item.title):gsub('%s*…$', '')
    local said = item.lines[1] and item.lines[1]:find(words, 1, true)
    if not said then
      line(out, { { ' ' }, { item.title, 'AgorPath' } })
    end
  end
  if item.reason and item.reason ~= '' then
    for _, text in ipairs(vim.split(item.reason, '\n', { plain = true })) do
      line(out, { { ' ' }, { text, 'AgorWarning' } })
    end
  end
  if #item.lines > 0 and #out.lines > 0 then
    out.lines[#out.lines + 1] = ''
  end
  local shift = #out.lines
  for _, text in ipairs(item.lines) do
    out.lines[#out.lines + 1] = ' ' .. text:gsub('[%z\r\n]', ' ')
  end
  for _, mark in ipairs(item.marks) do
    local row, col, end_col, group = mark[1], mark[2], mark[3], mark[4]
    if end_col < 0 then
      out.marks[#out.marks + 1] = { row + shift, 0, -1, group }
    else
      out.marks[#out.marks + 1] = { row + shift, col + 1, end_col + 1, group }
    end
  end
  if #out.lines == 0 then
    line(out, { { ' ' .. (item.title ~= '' and item.title or item.tool) } })
  end
  return out
end

---@param item agor.AskItem
---@return agor.Lines
local function choices(item, selected)
  local icons = require('agor.ui.icons').get()
  local items = require('agor.ui.ask_item')
  local question = items.current(item)
  local out = block()
  local gap = (' '):rep(require('agor.ui.cells').width(icons.pointer))
  for i, choice in ipairs(items.choices(item)) do
    local at = selected and i == item.at
    local pieces = {
      { at and (' ' .. icons.pointer .. ' ') or (' ' .. gap .. ' '), 'AgorQuestion' },
      { choice.key and choice.key .. ' ' or i < 10 and ('%d '):format(i) or '  ', 'AgorKey' },
    }
    if question and question.multi then
      local on = item.marked[i]
      pieces[#pieces + 1] =
        { (on and icons.on or icons.off) .. ' ', on and 'AgorQuestion' or 'AgorDim' }
    end
    local label = choice.label
    if choice.other and item.other and item.marked[i] then
      label = question.secret and label or ('%s: %s'):format(label, item.other)
    end
    pieces[#pieces + 1] = { label, at and 'AgorBold' or nil }
    if choice.description and choice.description ~= '' then
      pieces[#pieces + 1] = { '  ' .. choice.description, 'AgorDim' }
    end
    if choice.longer and i > 1 then
      out.ruled = #out.lines
    end
    line(out, pieces)
  end
  return out
end

---@param item agor.AskItem
---@param position integer
---@param total integer
---@param brief? integer how much of who asks is left out
---@return string
local function title(item, position, total, brief)
  local items = require('agor.ui.ask_item')
  local who = items.who(item, brief)
  local text
  if item.kind == 'question' then
    local question = items.current(item)
    local header = question.header ~= '' and question.header or 'a question'
    text = ('%s asks: %s'):format(who, header)
    if #item.questions > 1 then
      text = ('%s (%d of %d)'):format(text, item.step, #item.questions)
    end
  elseif item.tool == 'plan' then
    text = ('%s has a plan'):format(who)
  else
    text = ('%s asks: %s'):format(who, item.tool)
  end
  if total > 1 then
    text = ('%s  %s  %d of %d'):format(text, require('agor.ui.icons').get().dot, position, total)
  end
  return require('agor.ui.cells').clean(text)
end

--- The longest title that there is room for: what is asked, and which of how many it is, are left out last.
---@param item agor.AskItem
---@param position integer
---@param total integer
---@param cells integer
---@return string
local function fitting(item, position, total, cells)
  local text
  for brief = 0, 2 do
    text = title(item, position, total, brief)
    if require('agor.ui.cells').width(text) <= cells then
      return text
    end
  end
  return require('agor.ui.cells').shorten(text, cells)
end

--- How the float is reached: the user's own key, if there is one.
---@return string
local function reached_by()
  for _, map in ipairs(api.nvim_get_keymap('n')) do
    if map.rhs and map.rhs:lower() == '<plug>(agor-permit)' then
      return (map.lhs or ''):gsub('^ ', '<Space>') .. ' or :Agor permit answers'
    end
  end
  return ':Agor permit answers'
end

---@param item agor.AskItem
---@param focused boolean
---@return string
local function hints(item, focused)
  if not focused then
    return reached_by()
  end
  if require('agor.config').get().keys == false then
    return ''
  end
  local dot = (' %s '):format(require('agor.ui.icons').get().dot)
  local items = require('agor.ui.ask_item')
  local question = items.current(item)
  local count = math.min(items.count(item), 9)
  local digits = count > 1 and ('1-%d'):format(count) or '1'
  local out
  if question and question.multi then
    out = { digits .. ' mark', '<CR> done', 'r decline', 'q later' }
  elseif question then
    out = { digits .. ' choose', 'r decline', 'q later' }
    if item.url then
      table.insert(out, 1, 'o opens the page')
    end
  elseif item.granting then
    out = { digits .. ' choose', '<BS> back', 'q later' }
  else
    out = { digits .. ' choose', 'r refuse with a reason', 'q later' }
    if items.edit(item) then
      table.insert(out, 2, 'e edit')
    end
  end
  return table.concat(out, dot)
end

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
  colour(buf, drawn)
end

---@param name string
---@return integer
local function scratch(name)
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].undolevels = -1
  vim.bo[buf].formatlistpat = require('agor.ui.options').LISTS
  vim.bo[buf].filetype = name
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
  local above, below = content(item), choices(item, focused)
  local head, foot = title(item, position, total), hints(item, focused)
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
  head = fitting(item, position, total, width - 2)
  local left = math.max(0, place.right - width - 2)
  ---@param all_rows integer that what is asked takes
  ---@return vim.api.keyset.win_config text
  ---@return vim.api.keyset.win_config choices
  local function layout(all_rows)
    local text_rows = math.max(1, math.min(all_rows, place.height - choice_rows - 3))
    local top = math.max(0, place.bottom - text_rows - choice_rows - 3)
    local more = ''
    if all_rows > text_rows then
      local key = focused and ', <C-d> shows them' or ''
      more = (' %d more lines%s '):format(all_rows - text_rows, key)
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
  end
  -- Where 'linebreak' breaks, only the window knows.
  local few = #above.lines <= MOST_MEASURED
  local rows = few and api.nvim_win_text_height(view.text_win, {}).all or guessed
  if rows ~= guessed then
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
    colour(view.text_buf, content(view.item))
  end
end

--- All of what is asked in a window of its own, which takes the focus.
---@param item agor.AskItem
function M.whole(item)
  local all = content(item)
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
