-- Files whose names or contents come from agents, and files of ours: opened only if they are files, and without a say in the
-- editor's options. Knows no sessions.

local M = {}

---@param path string
---@return boolean it is a regular file once links are followed: a pipe or a device might never end
function M.is(path)
  local stat = vim.uv.fs_stat(path)
  return stat ~= nil and stat.type == 'file'
end

local kinds = { link = 'is a symbolic link' }

---Opens a file of ours, which is the user's alone. A link in its place would lead to somebody else's file, and whoever opens
---a pipe may wait for ever.
---@param path string
---@param mode 'r'|'w'|'a'
---@return integer|nil fd
---@return string|nil why
function M.open(path, mode)
  local c = vim.uv.constants --[[@as table<string, integer>]]
  local there = vim.uv.fs_lstat(path)
  if there and there.type ~= 'file' then
    return nil, ('%s %s'):format(path, kinds[there.type] or 'is no regular file')
  end
  local how = { r = c.O_RDONLY, w = c.O_WRONLY, a = bit.bor(c.O_WRONLY, c.O_APPEND) }
  local flags = bit.bor(how[mode], c.O_NONBLOCK or 0)
  if not there and mode ~= 'r' then
    flags = bit.bor(flags, c.O_CREAT, c.O_EXCL)
  end
  local fd, err, code = vim.uv.fs_open(path, flags, 384) -- 0600
  if not fd then
    if code == 'EEXIST' and not there then
      -- Another Neovim was faster.
      return M.open(path, mode)
    end
    return nil, err
  end
  local stat = vim.uv.fs_fstat(fd)
  local same = stat and (not there or stat.ino == there.ino and stat.dev == there.dev)
  if not stat or not same then
    vim.uv.fs_close(fd)
    return nil, path .. ' was exchanged just now'
  end
  if bit.band(stat.mode, 511) ~= 384 and stat.uid == vim.uv.getuid() then
    vim.uv.fs_fchmod(fd, 384)
  end
  if mode == 'w' then
    vim.uv.fs_ftruncate(fd, 0)
  end
  return fd
end

---A folder of ours, with those above it, into which nobody else can look.
---@param path string
---@return boolean ok
---@return string|nil why
function M.folder(path)
  local mode = 448 --[[@as any]] -- 0700
  if not pcall(vim.fn.mkdir, path, 'p', mode) then
    return false, 'the folder cannot be made'
  end
  local stat = vim.uv.fs_stat(path)
  if not stat or stat.type ~= 'directory' then
    return false, 'the folder cannot be made'
  elseif stat.uid ~= vim.uv.getuid() then
    return false, 'the folder belongs to another user'
  elseif bit.band(stat.mode, 511) ~= 448 then
    vim.uv.fs_chmod(path, 448)
  end
  return true
end

---Opens exactly this name. As a line of Ex commands it would have to be escaped, which a line's end in it cannot be: what
---follows would be the next command.
---@param command 'edit'|'split'|'tabedit'
---@param path string
---@param mods table of `nvim_cmd()`
function M.edit(command, path, mods)
  vim.cmd({ cmd = command, args = { path }, magic = { file = false, bar = false }, mods = mods })
end

---Whatever is read meanwhile has no modelines.
---@param run fun()
function M.without_modelines(run)
  local own = vim.go.modeline
  vim.go.modeline = false
  local ok, err = pcall(run)
  vim.go.modeline = own
  if not ok then
    error(err, 0)
  end
end

return M
