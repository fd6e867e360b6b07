/** The mark, a face between focus brackets, and the name. */
export function Brand() {
  return (
    <span class="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path class="brackets" d="M4 10V6.500A2.500 2.500 0 0 1 6.500 4H10M22 4h3.500A2.500 2.500 0 0 1 28 6.500V10M28 22v3.500a2.500 2.500 0 0 1-2.500 2.500H22M10 28H6.500A2.500 2.500 0 0 1 4 25.500V22" />
        <path class="person" d="M16 16.500a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM9 24.500c.6-3.600 3.400-5.500 7-5.500s6.400 1.900 7 5.500z" />
      </svg>
      Facepass
    </span>
  );
}
