--- A file that is dropped on the terminal comes as its path, pasted: in a prompt the path of an image becomes an attachment
--- where the agent takes images. The path stays one undo away.
---
--- Knows what was pasted and where; which files are images is in `images.lua`.

local api = vim.api

local M = {}

-- No path is longer.
local LONGEST = 4096

--- The file that a terminal means by what it pastes: as it is, in quotes, with backslashes, or as a URI.
---@param text string
---@return string|nil path absolute
function M.path(text)
  text = vim.trim(text)
  if text == '' or #text > LONGEST or text:find('[\n%z]') then
    return nil
  end
  local quoted = text:match("^'([^']+)'$") or text:match('^"([^"]+)"$')
  if quoted then
    text = quoted
  elseif text:match('^file://') then
    local ok, path = pcall(vim.uri_to_fname, text)
    text = ok and path or ''
  else
    text = text:gsub('\\(.)', '%1')
  end
  if text:sub(1, 2) == '~/' then
    text = vim.uv.os_homedir() .. text:sub(2)
  end
  return text:sub(1, 1) == '/' and text or nil
end

--- The image that was pasted, if that was all and the agent takes it.
---@param buf integer
---@param text string
---@return agor.Image|nil
local function image_of(buf, text)
  local path = M.path(text)
  local row = path and require('agor.mirror').get(vim.b[buf].agor_session)
  local images = require('agor.images')
  if not row or not path or images.objection(row) then
    return nil
  end
  return (images.file(path, row.cwd))
end

---@param buf integer
---@param text string just pasted, before the cursor
local function offer(buf, text)
  local image = image_of(buf, text)
  if not image or api.nvim_get_current_buf() ~= buf then
    return
  end
  local cursor = api.nvim_win_get_cursor(0)
  local row, col = cursor[1], cursor[2]
  local line = api.nvim_get_current_line()
  -- In normal mode the cursor is on the last letter.
  local last = line:sub(1, col):sub(-#text) == text and col or col + 1
  if line:sub(last - #text + 1, last) ~= text then
    return
  end
  local count = api.nvim_buf_line_count(buf)
  -- Begins an undo step, to which the rest belongs: `u` brings the path back.
  require('agor.ui.prompt').attach_image(vim.b[buf].agor_session, image)
  row = row - 1 + api.nvim_buf_line_count(buf) - count
  api.nvim_buf_set_text(buf, row, last - #text, row, last, {})
end

---@type table[]|nil lines of a paste that comes in pieces, by piece
local pieces

--- Listens to what is pasted into prompts; everywhere else pasting is as it was. Once.
function M.watch()
  local kept = require('agor.state')
  if kept.paste then
    return
  end
  kept.paste = true
  local paste = vim.paste
  ---@diagnostic disable-next-line: duplicate-set-field
  vim.paste = function(lines, phase)
    local buf = api.nvim_get_current_buf()
    if vim.bo[buf].filetype ~= 'agor-prompt' then
      return paste(lines, phase)
    end
    local result = paste(lines, phase)
    if phase < 2 then
      pieces = {}
    end
    if pieces and #pieces < 8 then
      table.insert(pieces, table.concat(lines, '\n'))
    else
      pieces = nil
    end
    if pieces and (phase == -1 or phase == 3) then
      local text = table.concat(pieces)
      pieces = nil
      if text ~= '' and #text <= LONGEST then
        vim.schedule(function()
          offer(buf, text)
        end)
      end
    end
    return result
  end
end

return M
