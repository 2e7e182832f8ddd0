-- Where a command's text comes from: the exact selection, whole lines, or nowhere. Knows how command lines write ranges.

local state = require('agor.state')

local M = {}

---Keeps the command line for the command that it is about to run, and forgets it when that is over.
---@param line string
function M.remember(line)
  state.cmdline = line
  vim.schedule(function()
    state.cmdline = nil
  end)
end

---Does the command line begin with the visual range? Nil: it does not tell.
---@param line string
---@return boolean|nil
function M.is_visual(line)
  -- The last command with our name is the one, since only '|' before us can separate.
  local before = line:match('^(.-)Agor')
  if not before then
    return nil
  end
  local range = before:match("(['%*%%%d%.%$,;<>%s%+%-/?\\%w]*)$") or ''
  range = range:gsub('^.*|', ''):gsub('^[%s:]+', '')
  -- Modifiers such as `silent` stand before the range.
  while range:match('^%l+!?%s+') do
    range = range:gsub('^%l+!?%s+', '')
  end
  range = range:gsub('%s', '')
  if range == "'<,'>" or range == '*' then
    return true
  end
  if range == '' then
    -- A command or mapping of the user's own calls us: its range is not in sight.
    return nil
  end
  return false
end

---@param opts { range: integer, line1: integer, line2: integer }
---@return 'visual'|'marks'|'lines'|nil # the visual selection that is active, the last one, whole lines, nothing
function M.source(opts)
  local mode = vim.fn.mode()
  if mode:match('^[vVsS\22\19]') then
    return 'visual'
  end
  if opts.range == 0 then
    return nil
  end
  local visual = state.cmdline and M.is_visual(state.cmdline)
  if visual == nil and opts.range == 2 then
    -- Called from a script: lines that are just those of the last selection mean the selection.
    visual = vim.fn.line("'<") == opts.line1 and vim.fn.line("'>") == opts.line2
  end
  return visual and 'marks' or 'lines'
end

return M
