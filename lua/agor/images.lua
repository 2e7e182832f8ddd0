-- Pictures that go along with a prompt: which files are some, and whether the agent takes them. Knows paths; the backend
-- reads the files when the prompt is delivered.

local M = {}

-- What all agents with eyes take.
local endings = {
  png = 'image/png',
  jpg = 'image/jpeg',
  jpeg = 'image/jpeg',
  gif = 'image/gif',
  webp = 'image/webp',
}

---@class agor.Image
---@field path string absolute
---@field mime string
---@field size integer bytes

---@param path string relative to `dir`, or absolute
---@param dir string
---@return agor.Image|nil
---@return string|nil message
function M.file(path, dir)
  local full = vim.fs.normalize(path)
  if not full:match('^/') then
    full = vim.fs.joinpath(dir, full)
  end
  full = vim.fs.normalize(full, { expand_env = false })
  local mime = endings[(full:match('%.(%w+)$') or ''):lower()]
  local stat = vim.uv.fs_stat(full)
  if not stat then
    return nil, ('there is no image %s'):format(full)
  elseif stat.type ~= 'file' then
    return nil, ('%s is no file'):format(full)
  elseif not mime then
    return nil, ('%s is no image that agents take: png, jpg, gif or webp'):format(full)
  elseif stat.size == 0 then
    return nil, ('the image %s is empty'):format(full)
  elseif not vim.uv.fs_access(full, 'R') then
    return nil, ('the image %s cannot be read'):format(full)
  end
  return { path = full, mime = mime, size = stat.size }
end

---Why a session's agent takes no images, if it does not.
---@param row agor.Row
---@return string|nil message
function M.objection(row)
  -- One that has not said yet what it takes: the backend knows when it is asked to deliver.
  if not row.capabilities.images and require('agor.choices').known(row.capabilities) then
    return ('%s takes no images'):format(row.provider)
  end
end

---`opts.images` of send().
---@param list any
---@param row agor.Row
---@return { path: string, mime: string }[]|nil as the backend takes them
---@return string|nil message
function M.check(list, row)
  if list == nil then
    return {}
  elseif type(list) ~= 'table' or not vim.islist(list) then
    return nil, 'images must be a list of paths'
  end
  local out = {}
  for i, path in ipairs(list) do
    if type(path) ~= 'string' then
      return nil, ('images[%d] must be a path'):format(i)
    end
    local image, wrong = M.file(path, require('agor.project').window_directory())
    if not image then
      return nil, wrong
    end
    table.insert(out, { path = image.path, mime = image.mime })
  end
  if #out > 0 then
    local wrong = M.objection(row)
    if wrong then
      return nil, wrong
    end
  end
  return out
end

---@param size integer bytes
---@return string
function M.size(size)
  if size < 1024 * 1024 then
    return ('%d KiB'):format(math.max(1, math.floor(size / 1024 + 0.5)))
  end
  return ('%.1f MiB'):format(size / 1024 / 1024)
end

---The clipboard's image, when it is there.
---@param row agor.Row
local function paste_clipboard(row)
  local failed = false
  require('agor.clipboard').image(function(path, wrong)
    if not path then
      failed = true
      return require('agor.message').error(wrong or 'the clipboard has no image')
    end
    -- The session may be over by now; its draft is there all the same.
    require('agor.ui.prompt').attach_image(row.session_id, { path = path })
  end)
  -- Where nothing can read a clipboard the cursor stays: `-- INSERT --` would take the place of the reason.
  if not failed then
    require('agor.ui.pane').open(row.session_id, { focus = 'prompt' })
  end
end

---`:Agor paste [file]`.
---@param call agor.Call
function M.paste(call)
  local message = require('agor.message')
  local row = require('agor.mirror').need()
  if not row then
    return
  end
  local path = vim.trim(call.args)
  local wrong = M.objection(row)
  if wrong then
    return message.error(wrong)
  elseif path == '' then
    return paste_clipboard(row)
  end
  local image
  image, wrong = M.file(path, require('agor.project').window_directory())
  if not image then
    return message.error(wrong or 'there is no such image')
  end
  require('agor.ui.pane').open(row.session_id, { focus = 'prompt' })
  require('agor.ui.prompt').attach_image(row.session_id, image)
end

return M
