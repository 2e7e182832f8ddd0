--- What the board says: the sessions of the mirror, of other Neovims and of before, with what each needs, and the words
--- on its border. Knows who has them; knows no buffers and windows.

local M = {}

-- More of them are for `:Agor resume`, which searches them too.
local MOST_EARLIER = 100

---@param item agor.AskItem
---@return string
local function need(item)
  if item.kind == 'question' then
    local first = (item.questions or {})[1] or {}
    local text = first.text ~= vim.NIL and first.text or first.header
    return 'asks: ' .. tostring(text or '')
  elseif item.ours then
    return 'before it starts: ' .. item.title
  elseif item.tool == 'plan' then
    return 'has a plan'
  end
  local title = item.title ~= '' and item.title ~= item.tool and ' ' .. item.title or ''
  -- Before what may be cut.
  local away = #(item.outside or {}) > 0 and 'outside the project: ' or ''
  return away .. item.tool .. title
end

---@return table<string, string> of the oldest question of each session
local function needs()
  local ask = package.loaded['agor.ui.ask']
  local out = {}
  for _, item in ipairs(ask and ask.items() or {}) do
    out[item.session_id] = out[item.session_id] or need(item)
  end
  return out
end

---@param board agor.Board
---@return agor.BoardEntry[]
local function entries(board)
  local rows = require('agor.ui.board_rows')
  local notify = require('agor.notify')
  local asked, known, out = needs(), {}, {}
  for _, row in ipairs(require('agor.mirror').list()) do
    local facts = { unseen = notify.unseen(row.session_id) == true, need = asked[row.session_id] }
    out[#out + 1] = rows.of_session(row, facts)
    known[row.session_id] = true
  end
  for _, row in ipairs(require('agor.others').list()) do
    if not known[row.session_id] then
      out[#out + 1] = rows.of_other(row)
      known[row.session_id] = true
    end
  end
  local count = 0
  for _, journal in ipairs(board.earlier and board.journals or {}) do
    if not known[journal.session_id] and count < MOST_EARLIER then
      out[#out + 1] = rows.of_journal(journal)
      count = count + 1
    end
  end
  return out
end

--- One a line.
---@param board agor.Board
---@return agor.BoardItem[]
function M.items(board)
  local all = entries(board)
  local list = require('agor.ui.board_rows').arrange(all, board)
  if #list > 0 then
    return list
  elseif #all > 0 then
    return { { text = ('Nothing here is called "%s": <BS> shows all'):format(board.filter) } }
  end
  return { { text = 'No session yet: :AgorStart starts one' } }
end

--- How the list is ordered and narrowed.
---@param board agor.Board
---@return string
function M.title(board)
  local dot = (' %s '):format(require('agor.ui.icons').get().dot)
  local parts = { 'Sessions' }
  if board.sort ~= 'activity' then
    parts[#parts + 1] = 'by ' .. board.sort
  end
  if board.filter ~= '' then
    parts[#parts + 1] = '/' .. board.filter
  end
  return table.concat(parts, dot)
end

---@type string[]
local HINTS = {
  '<CR> open',
  'p prompt',
  'y answer',
  's stop',
  '/ filter',
  'o order',
  'a earlier',
  'q close',
  'g? keys',
}

---@param width integer
---@param items agor.BoardItem[]
---@return string as many hints as fit, the last one always
function M.footer(width, items)
  local hints = HINTS
  for _, item in ipairs(items) do
    local state = item.entry and item.entry.state
    if state == 'stalled' or state == 'failed' then
      hints = vim.list_slice(HINTS)
      table.insert(hints, 2, 'T try again')
      break
    end
  end
  return require('agor.ui.hints').line(hints, width)
end

return M
