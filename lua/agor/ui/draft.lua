--- A draft as its lines say it, and what is drawn around them: attachments on top, hints, what waits.
---
--- Knows a buffer's text; sends and keeps nothing.

local api = vim.api

local M = {}

local ns = api.nvim_create_namespace('agor_prompt')

-- Words below that are not coloured: at each key all lines are looked at, and somebody may have pasted a log.
local MOST_LINES = 1000

--- The line that stands for an attachment.
---@param context agor.Context|agor.ImageAttachment
---@return string
function M.label(context)
  if context.word and context.path == '' then
    return context.word
  end
  local path = context.path == '' and '[No Name]' or context.path
  local first, last = context.first_line or 0, context.last_line or 0
  path = require('agor.ui.cells').visible(path)
  if first == 0 then
    return '#' .. path
  elseif first == last then
    return ('#%s:%d'):format(path, first)
  end
  return ('#%s:%d-%d'):format(path, first, last)
end

--- Splits a draft: the lines on top that stand for attachments, and the words.
---@param state agor.PromptState
---@param lines string[]
---@return agor.Context[]
---@return string text
---@return integer count of attachment lines
---@return string[] images their paths
function M.split(state, lines)
  local contexts, images, count = {}, {}, 0
  for i, line in ipairs(lines) do
    local context = state.attachments[line]
    if not context then
      break
    end
    if context.image then
      images[#images + 1] = context.image
    else
      contexts[#contexts + 1] = context
    end
    count = i
  end
  local text = table.concat(lines, '\n', count + 1)
  if vim.trim(text) == '' then
    text = ''
  else
    -- Blank lines around the words are layout; spaces in the first line may be meant.
    text = text:gsub('^%s*\n', ''):gsub('%s+$', '')
  end
  return contexts, text, count, images
end

--- The preview measures by the prompt's few lines; there is all the screen above them, or else below.
---@param win integer
---@param count integer of lines
---@param at { row: integer, col: integer } the cursor on the screen
local function place_above(win, count, at)
  local tabline = vim.o.showtabline == 2 or (vim.o.showtabline == 1 and vim.fn.tabpagenr('$') > 1)
  local above = at.row - 1 - (tabline and 1 or 0) - 2
  local below = vim.o.lines - vim.o.cmdheight - at.row - 2
  local up = count <= above or above >= below
  api.nvim_win_set_config(win, {
    relative = 'editor',
    anchor = up and 'SW' or 'NW',
    row = up and at.row - 1 or at.row,
    col = math.max(0, at.col - 1),
    height = math.max(1, math.min(count, up and above or below)),
  })
end

--- Shows an attachment's text in a float.
---@param context agor.Context|agor.ImageAttachment
function M.peek(context)
  local lines
  if context.image then
    lines = { context.image, require('agor.images').size(context.size or 0) }
  else
    lines = vim.split((context.text:gsub('\n$', '')), '\n', { plain = true })
  end
  local at = vim.fn.screenpos(0, vim.fn.line('.'), vim.fn.col('.'))
  local _, win = vim.lsp.util.open_floating_preview(lines, '', {
    border = require('agor.ui.borders').whole(),
    title = ' ' .. require('agor.ui.cells').clean(M.label(context):sub(2)) .. ' ',
    wrap = false,
    focus_id = 'agor_attachment',
    anchor_bias = 'above',
  })
  if win ~= api.nvim_get_current_win() then
    place_above(win, #lines, at)
  end
  if context.filetype and context.filetype ~= '' then
    local buf = api.nvim_win_get_buf(win)
    -- The syntax without the filetype: no language server is to see this buffer.
    local lang = vim.treesitter.language.get_lang(context.filetype)
    if not lang or not pcall(vim.treesitter.start, buf, lang) then
      vim.bo[buf].syntax = context.filetype
    end
  end
end

--- The lines under the draft: what is edited, what is not saved, and what waits.
---@param state agor.PromptState
---@param cells integer
---@return table[][] lines of chunks
local function notes(state, cells)
  local session = require('agor.mirror').get(state.session_id)
  local shorten, width = require('agor.ui.cells').shorten, require('agor.ui.cells').width
  local first, used = {}, 0
  local function say(text, group)
    if #first > 0 then
      local dot = ('  %s  '):format(require('agor.ui.icons').get().dot)
      first[#first + 1] = { dot, 'AgorHint' }
      used = used + width(dot)
    end
    first[#first + 1] = { shorten(text, math.max(cells - used, 1)), group }
    used = used + width(text)
  end
  if state.editing then
    say('Editing a prompt that waits: sending puts it back, empty leaves it as it was', 'AgorNew')
  end
  if require('agor.config').get().unsaved == 'warn' and session then
    local unsaved = require('agor.files').unsaved(session.cwd)
    if unsaved > 0 then
      say(('%d unsaved file%s here'):format(unsaved, unsaved == 1 and '' or 's'), 'AgorWarning')
    end
  end
  local out = {} ---@type table[][]
  if #first > 0 then
    out[1] = first
  end
  if not session or session.queued == 0 then
    return out
  end
  local heads = session.waiting or {}
  local held = require('agor.ui.held').why(session)
  local count = ('%d %s'):format(session.queued, held and 'held' or 'queued')
  local lead = { { count, 'AgorDim' } } ---@type table[]
  local room = cells - width(count)
  if held then
    local dot = require('agor.ui.icons').get().dot
    local text = (', %s %s sent after your next prompt'):format(held, dot)
    lead[1] = { shorten(count .. text, cells), 'AgorWarning' }
    room = room - width(text)
  end
  local only = #heads == 1 and not held and heads[1]
  if only and room >= 10 then
    lead[#lead + 1] = { ': ' .. shorten(only, room - 2), 'AgorDim' }
  elseif room >= 18 then
    local dot = require('agor.ui.icons').get().dot
    lead[#lead + 1] = { ('  %s  :Agor queue'):format(dot), 'AgorHint' }
  end
  out[#out + 1] = lead
  for i, head in ipairs((#heads > 1 or held) and heads or {}) do
    out[#out + 1] = { { shorten((' %d  %s'):format(i, head), cells), 'AgorDim' } }
  end
  return out
end

---@param buf integer
---@return integer cells of the narrowest window that shows the draft
local function room_of(buf)
  local cells = 80
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local info = vim.fn.getwininfo(win)[1]
    cells = math.min(cells, info.width - info.textoff)
  end
  return cells
end

--- Draws what stands around the words.
---@param buf integer
---@param state agor.PromptState
function M.decorate(buf, state)
  api.nvim_buf_clear_namespace(buf, ns, 0, -1)
  local lines = api.nvim_buf_get_lines(buf, 0, -1, false)
  local _, _, count = M.split(state, lines)
  for row = 0, count - 1 do
    local context = state.attachments[lines[row + 1]]
    local note
    if context.image then
      note = '  image, ' .. require('agor.images').size(context.size or 0)
    else
      local ends = context.text:sub(-1) == '\n'
      local size = select(2, context.text:gsub('\n', '')) + (ends and 0 or 1)
      note = ('  %d line%s'):format(size, size == 1 and '' or 's')
    end
    if context.unsaved then
      note = note .. ', unsaved'
    end
    api.nvim_buf_set_extmark(buf, ns, row, 0, {
      end_col = #lines[row + 1],
      hl_group = 'AgorAttachment',
      virt_text = { { note, 'AgorHint' } },
      virt_text_pos = 'eol',
    })
  end
  for row = count, math.min(#lines, MOST_LINES) - 1 do
    for _, place in ipairs(require('agor.mentions').places(lines[row + 1])) do
      api.nvim_buf_set_extmark(buf, ns, row, place.from, {
        end_col = place.to,
        hl_group = 'AgorAttachment',
      })
    end
  end
  if #lines == 1 and lines[1] == '' then
    local session = require('agor.mirror').get(state.session_id)
    local hint = ('Ask %s'):format(session and session.provider or '')
    if not session then
      local elsewhere = require('agor.others').is_elsewhere(state.session_id)
      hint = elsewhere and 'It runs in another Neovim: :Agor resume takes it over'
        or 'This session is over: :Agor resume takes one up again'
    elseif require('agor.config').get().keys ~= false then
      local gap = ('  %s  '):format(require('agor.ui.icons').get().dot)
      local width, room = require('agor.ui.cells').width, room_of(buf)
      -- Whole parts, the most important first: half a word says nothing.
      for _, part in ipairs({
        '<CR> sends',
        '<C-s> while typing',
        '@ files',
        '# context',
        '/ commands',
        'g? all keys',
      }) do
        if width(hint .. gap .. part) > room then
          break
        end
        hint, gap = hint .. gap .. part, ', '
      end
    end
    api.nvim_buf_set_extmark(buf, ns, 0, 0, {
      virt_text = { { hint, 'AgorHint' } },
      virt_text_pos = 'overlay',
    })
  end
  local under = notes(state, room_of(buf))
  if #under > 0 then
    api.nvim_buf_set_extmark(buf, ns, #lines - 1, 0, { virt_lines = under })
  end
end

return M
